// SPDX-License-Identifier: Apache-2.0
//
// Texts in the forms of Go's standard library, which is what scripts that read etcdctl's output
// expect. Any thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::ctl {

// fmt's %q: in double quotes, with escapes for what can't be printed.
std::string go_quote(ByteView text);

// Takes a quoted string ("..." with escapes, or `...`) off the front of `rest`.
std::optional<Bytes> take_go_quoted(std::string_view& rest);

// "\x61\x62", as --hex prints keys and values.
std::string hex_escaped(ByteView bytes);

std::string hex(uint64_t number);                          // %x
std::string hex16(uint64_t number);                        // %016x
std::optional<uint64_t> parse_hex(std::string_view text);  // of at most 64 bits
std::optional<int64_t> parse_decimal(std::string_view text);

// A line taken apart as a shell does, with single quotes, and double quotes in Go's form.
// errors::kUsage when an escape is unknown.
Result<std::vector<std::string>> split_line(std::string_view line);

// The end of the range of all keys that begin with `prefix`; "\0" when there is none.
Bytes prefix_end(ByteView prefix);

}  // namespace quorate::ctl
