// SPDX-License-Identifier: Apache-2.0
//
// std::source_location where the compiler has it; clang 14 has the builtins but not the class.
#pragma once

#if defined(__has_builtin) && !__has_builtin(__builtin_source_location) && defined(__clang__)

#include <cstdint>

namespace quorate {

class SourceLocation {
  public:
    static constexpr SourceLocation current(const char* file = __builtin_FILE(),
                                            const char* function = __builtin_FUNCTION(),
                                            uint32_t line = __builtin_LINE()) {
        SourceLocation where;
        where.file_ = file;
        where.function_ = function;
        where.line_ = line;
        return where;
    }

    constexpr const char* file_name() const { return file_; }
    constexpr const char* function_name() const { return function_; }
    constexpr uint32_t line() const { return line_; }

  private:
    const char* file_ = "";
    const char* function_ = "";
    uint32_t line_ = 0;
};

}  // namespace quorate

#else

#include <source_location>

namespace quorate {

using SourceLocation = std::source_location;

}  // namespace quorate

#endif
