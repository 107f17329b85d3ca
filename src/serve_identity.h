// SPDX-License-Identifier: Apache-2.0
//
// Who this member is: what its data directory says, or what its first start finds out from the
// configuration, a running cluster, a registry or DNS. Main thread.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "config/config.h"
#include "node/bootstrap.h"
#include "plugin/loader.h"
#include "serve_tls.h"

namespace quorate {

// A first start asks others over a transport of its own, which listens nowhere, and writes down
// what comes of it.
Result<node::Identity> establish_identity(FileSystem& fs, const node::DataPaths& paths,
                                          const config::Config& given,
                                          const plugin::Plugin& transport, const ServerTls& tls);

// Whether the configuration can say who this is, as far as nobody has to be asked.
Status check_identity(const config::Config& config);

}  // namespace quorate
