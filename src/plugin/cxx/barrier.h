// SPDX-License-Identifier: Apache-2.0
//
// The exception barrier of the C++ side: every table function runs its body inside guard(), which
// turns whatever is thrown into a code and a text. Also the small helpers around the ABI's structs.
#pragma once

#include "plugin/abi/common.h"

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace quorate::plugin {

// What a plugin's own functions return: a code and a text that names the thing and the way out.
class [[nodiscard]] Status {
  public:
    Status() = default;
    Status(quorate_code code, std::string text) : code_(code), text_(std::move(text)) {}

    bool ok() const { return code_ == QUORATE_OK; }
    quorate_code code() const { return code_; }
    const std::string& text() const { return text_; }

  private:
    quorate_code code_ = QUORATE_OK;
    std::string text_;
};

inline std::string_view view(quorate_bytes bytes) {
    return bytes.size == 0 ? std::string_view() : std::string_view(bytes.data, bytes.size);
}

inline quorate_bytes bytes(std::string_view view) {
    return {view.data(), view.size()};
}

inline quorate_code fail(quorate_error* err, quorate_code code, std::string_view text) noexcept {
    if (err != nullptr) {
        err->code = code;
        const size_t length = text.size() < sizeof err->text ? text.size() : sizeof err->text - 1;
        std::memcpy(err->text, text.data(), length);
        err->text[length] = '\0';
    }
    return code;
}

// `body` returns a Status.
template <typename Body>
quorate_code guard(quorate_error* err, Body&& body) noexcept {
    try {
        const Status status = std::forward<Body>(body)();
        return status.ok() ? QUORATE_OK : fail(err, status.code(), status.text());
    } catch (const std::bad_alloc&) {
        return fail(err, QUORATE_RESOURCE_EXHAUSTED, "out of memory");
    } catch (const std::exception& e) {
        return fail(err, QUORATE_INTERNAL, e.what());
    } catch (...) {
        return fail(err, QUORATE_INTERNAL, "unknown exception");
    }
}

}  // namespace quorate::plugin
