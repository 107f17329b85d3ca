// SPDX-License-Identifier: Apache-2.0
//
// The descriptor and the one exported function, for plugins of every kind. A plugin's last lines:
//
//   namespace {
//   constexpr quorate_plugin kPlugin = quorate::plugin::describe<MyPlugin>();
//   }
//   extern "C" QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry() { return &kPlugin; }
//
// where MyPlugin has
//   static constexpr const char* kKind, kName, kVersion;
//   static Status init(const quorate_host& host);      // the host lives until deinit
//   static void deinit();
//   static const void* interface_get(std::string_view id);
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/barrier.h"

#include <string_view>

namespace quorate::plugin {

template <typename P>
constexpr quorate_plugin describe() {
    quorate_plugin plugin{};
    plugin.size = sizeof plugin;
    plugin.magic = QUORATE_PLUGIN_MAGIC;
    plugin.abi_major = QUORATE_ABI_MAJOR;
    plugin.abi_minor = QUORATE_ABI_MINOR;
    plugin.kind = P::kKind;
    plugin.name = P::kName;
    plugin.version = P::kVersion;
    plugin.build_id = QUORATE_BUILD_ID;
    plugin.init = [](const quorate_host* host, quorate_error* err) noexcept {
        return guard(err, [&] { return P::init(*host); });
    };
    plugin.deinit = []() noexcept { P::deinit(); };
    plugin.interface_get = [](const char* id) noexcept -> const void* {
        return P::interface_get(id);
    };
    return plugin;
}

}  // namespace quorate::plugin
