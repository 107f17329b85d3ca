// SPDX-License-Identifier: Apache-2.0
//
// From the text of an option to its value. A failure says what is allowed ("must be ..."): the
// loader puts the option, the value and its source before it. Any thread.
#pragma once

#include "base/status.h"
#include "base/url.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::config {

std::string_view trim(std::string_view text);

// Comma-separated items, trimmed, empty ones left out.
std::vector<std::string> split_list(std::string_view text);
// The same, each item once.
std::vector<std::string> split_unique(std::string_view text);

// Go's spellings: 1, t, T, TRUE, true, True and their counterparts.
Result<bool> to_bool(std::string_view text);

struct UintRange {
    uint64_t min = 0;
    uint64_t max = UINT64_MAX;
};
Result<uint64_t> to_uint64(std::string_view text, UintRange range = {});
Result<uint32_t> to_uint32(std::string_view text, UintRange range = {0, UINT32_MAX});
Result<int64_t> to_int64(std::string_view text);

// Nanoseconds, 0 or more.
Result<int64_t> to_duration(std::string_view text);

// An empty text is an empty list.
Result<std::vector<Url>> to_urls(std::string_view text);

// `text` in quotes and on one line: control characters escaped, cut when very long.
std::string in_quotes(std::string_view text);

// The candidate closest to `word` when it is close enough to be a slip, else empty.
std::string_view closest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace quorate::config
