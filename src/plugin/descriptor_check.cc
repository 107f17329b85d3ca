// SPDX-License-Identifier: Apache-2.0
#include "plugin/descriptor_check.h"

#include "base/errors.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace quorate::plugin {

namespace {

// The descriptor of ABI 1.0. The fields of that version keep their place in every later one, so
// that a refusal can always say what it found.
constexpr size_t kDescriptorBytesMin = sizeof(quorate_plugin);

Status refuse(std::string text) {
    return {errors::kPlugin, std::move(text)};
}

std::string text_or(const char* text, std::string_view fallback) {
    return std::string(text == nullptr ? fallback : text);
}

std::string hex(uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%08x", value);
    return text;
}

// What must hold before any other field may be read.
Status check_magic(const std::string& file, const quorate_plugin& d) {
    if (d.magic != QUORATE_PLUGIN_MAGIC) {
        return refuse(file + ": not a plugin of Quorate: its descriptor has the magic " +
                      hex(d.magic) + ", needs " + hex(QUORATE_PLUGIN_MAGIC));
    }
    return {};
}

Status check_identity(const std::string& file, const quorate_plugin& d, std::string_view kind,
                      std::string_view name) {
    if (d.kind == nullptr || d.kind != kind) {
        return refuse(file + ": a plugin of kind \"" + text_or(d.kind, "") + "\", needs \"" +
                      std::string(kind) + '"');
    }
    if (d.name == nullptr || d.name != name) {
        return refuse(file + ": a plugin named \"" + text_or(d.name, "") + "\", needs \"" +
                      std::string(name) + "\" as its file says");
    }
    return {};
}

Status check_versions(const std::string& file, const quorate_plugin& d) {
    const std::string ours =
        std::to_string(QUORATE_ABI_MAJOR) + '.' + std::to_string(QUORATE_ABI_MINOR);
    if (d.abi_major != QUORATE_ABI_MAJOR) {
        return refuse(file + ": built for plugin ABI " + abi_text(d) + ", needs " + ours +
                      ": rebuild the plugin");
    }
    if (d.abi_minor > QUORATE_ABI_MINOR) {
        return refuse(file + ": built for plugin ABI " + abi_text(d) + ", this server has " + ours +
                      ": update the server, or build the plugin with its headers");
    }
    if (d.size < kDescriptorBytesMin) {
        return refuse(file + ": its descriptor has " + std::to_string(d.size) +
                      " bytes, needs at least " + std::to_string(kDescriptorBytesMin));
    }
    if (d.version == nullptr || d.build_id == nullptr || d.init == nullptr || d.deinit == nullptr ||
        d.interface_get == nullptr) {
        return refuse(file + ": its descriptor has empty fields");
    }
    return {};
}

}  // namespace

bool is_plugin_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

std::string abi_text(const quorate_plugin& d) {
    return std::to_string(d.abi_major) + '.' + std::to_string(d.abi_minor);
}

Status check_descriptor(const std::string& file, const quorate_plugin& d, std::string_view kind,
                        std::string_view name) {
    if (Status s = check_magic(file, d); !s.ok()) {
        return s;
    }
    if (Status s = check_identity(file, d, kind, name); !s.ok()) {
        return s;
    }
    return check_versions(file, d);
}

}  // namespace quorate::plugin
