// SPDX-License-Identifier: Apache-2.0
//
// Plugin: one loaded plugin as the core sees it, and the small helpers that the adapters of every
// kind share. A Plugin borrows its descriptor, which lives in the library and so as long as the
// process; it is immutable and may be used from any thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "plugin/abi/common.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::plugin {

// The lines of a plugin's section in the config file, in the order they are written there.
using Options = std::vector<std::pair<std::string, std::string>>;

class Plugin {
  public:
    // `file` is what error texts name. The loader makes these; a test may wrap a descriptor of its
    // own.
    Plugin(std::string file, const quorate_plugin& descriptor)
        : file_(std::move(file)), descriptor_(&descriptor) {}

    const std::string& file() const { return file_; }
    std::string_view kind() const { return descriptor_->kind; }
    std::string_view name() const { return descriptor_->name; }
    const quorate_plugin& descriptor() const { return *descriptor_; }

    // The table of interface `id` as the plugin holds it: a struct of `size_t size` and function
    // pointers, of which those inside the first `bytes_min` bytes are there.
    // errors::kUnimplemented when the plugin does not offer the interface, errors::kPlugin when
    // what it offers can't be used.
    Result<const void*> find_table(const char* id, size_t bytes_min) const;

    // A copy of it as our own headers know it; functions that the plugin does not know are null.
    template <typename Table>
    Result<Table> table(const char* id, size_t bytes_min = sizeof(Table)) const {
        const Result<const void*> found = find_table(id, bytes_min);
        if (!found) {
            return found.error();
        }
        size_t bytes = 0;
        std::memcpy(&bytes, *found, sizeof bytes);
        Table copy{};
        std::memcpy(&copy, *found, std::min(bytes, sizeof copy));
        return copy;
    }

    // The plugin's code and text as a Status that names the plugin.
    Status failure(quorate_code code, const quorate_error& error) const;

  private:
    std::string file_;
    const quorate_plugin* descriptor_;
};

// Borrows `options`.
std::vector<quorate_option> abi_options(const Options& options);

inline quorate_error empty_error() {
    quorate_error error;
    error.size = sizeof error;
    error.code = QUORATE_OK;
    error.text[0] = '\0';
    return error;
}

inline quorate_bytes to_abi(ByteView view) {
    return {view.data(), view.size()};
}

inline ByteView from_abi(quorate_bytes bytes) {
    return bytes.size == 0 ? ByteView() : ByteView(bytes.data, bytes.size);
}

}  // namespace quorate::plugin
