// SPDX-License-Identifier: Apache-2.0
#include "plugin/plugin.h"

#include "base/errors.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace quorate::plugin {

namespace {

// An id that ends in /0 is a draft: its meaning may change with any build.
bool is_draft(std::string_view id) {
    return id.ends_with("/0");
}

Status refuse(std::string text) {
    return {errors::kPlugin, std::move(text)};
}

}  // namespace

Result<const void*> Plugin::find_table(const char* id, size_t bytes_min) const {
    const std::string quoted = '"' + std::string(id) + '"';
    const void* offered = descriptor_->interface_get(id);
    if (offered == nullptr) {
        return Status(errors::kUnimplemented, file_ + ": does not offer the interface " + quoted);
    }
    if (is_draft(id) && std::string_view(descriptor_->build_id) != QUORATE_BUILD_ID) {
        return refuse(file_ + ": built with the plugin headers \"" + descriptor_->build_id +
                      "\", needs \"" QUORATE_BUILD_ID "\": " + quoted +
                      " is a draft, so rebuild the plugin");
    }
    size_t bytes = 0;
    std::memcpy(&bytes, offered, sizeof bytes);
    if (bytes < bytes_min) {
        return refuse(file_ + ": the table of " + quoted + " has " + std::to_string(bytes) +
                      " bytes, needs at least " + std::to_string(bytes_min));
    }
    // A null function would otherwise be found in the middle of a commit.
    const char* const table = static_cast<const char*>(offered);
    for (size_t at = sizeof bytes; at + sizeof(void*) <= bytes_min; at += sizeof(void*)) {
        const void* function = nullptr;
        std::memcpy(&function, table + at, sizeof function);
        if (function == nullptr) {
            return refuse(file_ + ": function " + std::to_string(at / sizeof(void*)) +
                          " in the table of " + quoted + " is null");
        }
    }
    return offered;
}

Status Plugin::failure(quorate_code code, const quorate_error& error) const {
    std::string text(error.text, std::find(error.text, error.text + sizeof error.text, '\0'));
    if (text.empty()) {
        text = "code " + std::to_string(code);
    }
    text = std::string(kind()) + " plugin " + std::string(name()) + ": " + text;
    switch (code) {
        case QUORATE_RESOURCE_EXHAUSTED:
            return {errors::kDiskFull, std::move(text)};
        case QUORATE_DATA_LOSS:
            return {errors::kDamaged, std::move(text)};
        case QUORATE_INVALID_ARGUMENT:
        case QUORATE_FAILED_PRECONDITION:
        case QUORATE_UNIMPLEMENTED:
            return {errors::kPlugin, std::move(text)};
        default:
            return {errors::kIo, std::move(text)};
    }
}

std::vector<quorate_option> abi_options(const Options& options) {
    std::vector<quorate_option> list;
    list.reserve(options.size());
    for (const auto& [key, value] : options) {
        list.push_back({to_abi(key), to_abi(value)});
    }
    return list;
}

}  // namespace quorate::plugin
