// SPDX-License-Identifier: Apache-2.0
//
// A storage engine that is a plugin, as a Backend.
#pragma once

#include "base/status.h"
#include "plugin/plugin.h"
#include "storage/backend.h"

#include <memory>
#include <string>

namespace quorate::storage {

// Opens the store in directory `path`, creating it where it is missing. `plugin` outlives the
// backend. The directory carries a file ENGINE with the engine's name, and is refused
// (errors::kPlugin) when another engine or something else altogether has written it; so are the
// engine's own refusals, such as an unknown option. errors::kDamaged for damage found on opening.
Result<std::unique_ptr<Backend>> open_plugin_backend(const plugin::Plugin& plugin,
                                                     const std::string& path,
                                                     const plugin::Options& options);

}  // namespace quorate::storage
