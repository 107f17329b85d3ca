// SPDX-License-Identifier: Apache-2.0
//
// A transport that is a plugin, as a Transport.
#pragma once

#include "base/status.h"
#include "plugin/plugin.h"
#include "transport/transport.h"

#include <memory>

namespace quorate::transport {

// `plugin` and `handler` outlive the transport. The plugin's refusals, such as an unknown option,
// are errors::kPlugin.
Result<std::unique_ptr<Transport>> open_plugin_transport(const plugin::Plugin& plugin,
                                                         const plugin::Options& options,
                                                         Handler& handler);

}  // namespace quorate::transport
