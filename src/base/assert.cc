// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace quorate {

void assert_failed(const char* condition, SourceLocation where) {
    std::fprintf(stderr, "assertion failed: %s at %s:%u in %s\n", condition, where.file_name(),
                 static_cast<unsigned>(where.line()), where.function_name());
    std::fflush(stderr);
    std::abort();
}

}  // namespace quorate
