// SPDX-License-Identifier: Apache-2.0
//
// QUORATE_ASSERT states what only a bug of ours can break. It is on in release builds and aborts:
// a member that no longer knows its own state must not answer anybody. Bad input, bad peers and
// bad disks are not bugs and get a Status instead.
// QUORATE_VERIFY runs an object's check_invariants() in builds that can afford it.
#pragma once

#include "base/source_location.h"

namespace quorate {

[[noreturn]] void assert_failed(const char* condition, SourceLocation where);

}  // namespace quorate

#define QUORATE_ASSERT(condition)                                                       \
    do {                                                                                \
        if (!(condition)) [[unlikely]] {                                                \
            ::quorate::assert_failed(#condition, ::quorate::SourceLocation::current()); \
        }                                                                               \
    } while (false)

#ifdef QUORATE_EXPENSIVE_CHECKS
#define QUORATE_VERIFY(object) (object).check_invariants()
#else
#define QUORATE_VERIFY(object) static_cast<void>(object)
#endif
