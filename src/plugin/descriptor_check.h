// SPDX-License-Identifier: Apache-2.0
//
// The checks on a plugin's descriptor, in the order of plugin/loader.h: magic, kind and name, ABI
// version, size. Pure functions, any thread.
#pragma once

#include "base/status.h"
#include "plugin/abi/common.h"

#include <string>
#include <string_view>

namespace quorate::plugin {

// One or more of a-z, 0-9 and _.
bool is_plugin_name(std::string_view name);

// "1.0"
std::string abi_text(const quorate_plugin& descriptor);

// errors::kPlugin with the one text of the first check that fails; `file` is named in it.
Status check_descriptor(const std::string& file, const quorate_plugin& descriptor,
                        std::string_view kind, std::string_view name);

}  // namespace quorate::plugin
