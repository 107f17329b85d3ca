// SPDX-License-Identifier: Apache-2.0
//
// One log line and how it is written: zap's JSON and console shapes, which log shippers of etcd
// already understand. Pure functions, any thread.
#pragma once

#include "base/log.h"
#include "base/source_location.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quorate::log {

struct Line {
    Level level;
    std::string_view message;
    std::span<const Field> fields;
    SourceLocation where;
    int64_t unix_us;  // microseconds
};

// Longer texts are cut, and say how long they were: a client's value must not become the log.
inline constexpr size_t kTextBytesMax = 16 * 1024;

std::string_view level_name(Level level);

// "raft/raft.cc" for a file below src/, the last two parts of any other path.
std::string_view short_path(std::string_view path);

// "raft" for a file below src/raft.
std::string_view module_of(std::string_view path);

// These append to `out` and end with a newline; what they add holds no other control characters.
void append_json(std::string& out, const Line& line);
void append_console(std::string& out, const Line& line);

// `text` as the inside of a JSON string: invalid UTF-8 becomes U+FFFD.
void append_escaped(std::string& out, std::string_view text);

// As "ts" has it: "2026-01-31T12:00:00.000000Z", in local time.
void append_time(std::string& out, int64_t unix_us);

// The value alone: strings in quotes, numbers and switches bare, NaN and infinities as strings.
void append_value(std::string& out, const Field::Value& value);

}  // namespace quorate::log
