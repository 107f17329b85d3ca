// SPDX-License-Identifier: Apache-2.0
//
// Finds where a JSON value ends and whether it is one, with the words that clients of etcd know
// from Go's decoder. It looks at syntax alone and uses no recursion, so nesting costs an attacker
// more than us. Pure, any thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#include <cstddef>
#include <optional>

namespace quorate::rpc {

// Objects and lists inside each other.
inline constexpr size_t kJsonDepthMax = 10'000;

bool is_json_space(char c);

// Takes the first value off `rest` and returns its text without the space around it; nothing when
// only space is left. An error leaves `rest` as it was.
Result<std::optional<ByteView>> take_json_value(ByteView& rest);

}  // namespace quorate::rpc
