// SPDX-License-Identifier: Apache-2.0
//
// What can be said of a configuration without serving. Main thread.
#pragma once

#include "base/status.h"
#include "config/load.h"

namespace quorate {

// Everything serve() does up to opening data: the configuration and its plugins. For
// --check-config.
Status check(const config::Loaded& loaded);

// Prints the plugins of the configured folder. For --list-plugins.
Status list_plugins(const config::Loaded& loaded);

}  // namespace quorate
