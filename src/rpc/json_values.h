// SPDX-License-Identifier: Apache-2.0
//
// Single JSON values as protobuf's JSON mapping reads them. The text given is one value that
// take_json_value has accepted. Pure, any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <optional>

namespace quorate::rpc {

// A string, quotes included, as the text it stands for; nothing when that is no Unicode text.
std::optional<Bytes> json_text(ByteView value);

// Base64 as of the standard's or the URL alphabet, padded or not; `value` is a string.
std::optional<Bytes> json_bytes(ByteView value);

// Numbers, plain or in a string, also in the forms 1e3 and 10.0, if they are whole and fit.
std::optional<int64_t> json_int64(ByteView value);
std::optional<uint64_t> json_uint64(ByteView value);

}  // namespace quorate::rpc
