// SPDX-License-Identifier: Apache-2.0
//
// Structured logging in etcd's shape: a constant lower-case message and typed fields, as JSON
// (level, ts, caller, msg, fields) or as console text. Any thread; a line is written whole.
// The sink is the one process-wide object: a log call can come from anywhere, and a line lost for
// want of wiring is worse than the global. The module of a line is the folder of its source file,
// so `raft=debug,info` sets levels without any caller naming itself.
#pragma once

#include "base/source_location.h"
#include "base/status.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quorate::log {

enum class Level : int8_t { kDebug = -1, kInfo = 0, kWarn = 1, kError = 2, kPanic = 4, kFatal = 5 };
enum class Format : uint8_t { kJson, kConsole };

struct Field {
    using Value = std::variant<int64_t, uint64_t, double, bool, std::string>;

    Field(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
    Field(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
    Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
    Field(std::string_view k, bool v) : key(k), value(v) {}
    Field(std::string_view k, double v) : key(k), value(v) {}
    Field(std::string_view k, int v) : key(k), value(static_cast<int64_t>(v)) {}
    Field(std::string_view k, long v) : key(k), value(static_cast<int64_t>(v)) {}
    Field(std::string_view k, long long v) : key(k), value(static_cast<int64_t>(v)) {}
    Field(std::string_view k, unsigned v) : key(k), value(static_cast<uint64_t>(v)) {}
    Field(std::string_view k, unsigned long v) : key(k), value(static_cast<uint64_t>(v)) {}
    Field(std::string_view k, unsigned long long v) : key(k), value(static_cast<uint64_t>(v)) {}
    // "error" with the status' message.
    explicit Field(const Status& status) : key("error"), value(status.message()) {}

    std::string_view key;
    Value value;
};

using Fields = std::initializer_list<Field>;

// For one file target: when the next line would pass size_max_mib the file is renamed to
// name-<time>.ext beside it and a new one is started; old ones are removed by age and number.
struct Rotation {
    uint32_t size_max_mib = 100;
    uint32_t age_max_days = 0;  // 0: no limit
    uint32_t backups_max = 0;   // 0: no limit
    bool local_time = false;    // in the names of the old files
};

struct Options {
    // "info", or per module with the rest last: "raft=debug,wal=warn,info".
    std::string levels = "info";
    Format format = Format::kJson;
    // etcd's names: "default" and "stderr", "stdout", "systemd/journal", or file paths.
    std::vector<std::string> outputs = {"default"};
    std::optional<Rotation> rotation;  // needs exactly one output, a file
};

// Whether an output is a file and not one of the names above.
bool is_file(std::string_view output);

// Whether a level text is well formed: errors::kConfig says what is allowed.
Status check_levels(std::string_view levels);

// Replaces the sink's settings. Fails when a level is unknown or a file can't be opened, and then
// leaves the settings as they were. Before the first call: info, JSON, standard error.
Status configure(const Options& options);

// Opens the file outputs again by name: after an outside tool has moved them away.
Status reopen();

bool enabled(Level level, const SourceLocation& where);
void write(Level level, std::string_view message, std::span<const Field> fields,
           const SourceLocation& where);

inline void debug(std::string_view message, Fields fields = {},
                  SourceLocation where = SourceLocation::current()) {
    write(Level::kDebug, message, {fields.begin(), fields.size()}, where);
}
inline void info(std::string_view message, Fields fields = {},
                 SourceLocation where = SourceLocation::current()) {
    write(Level::kInfo, message, {fields.begin(), fields.size()}, where);
}
inline void warn(std::string_view message, Fields fields = {},
                 SourceLocation where = SourceLocation::current()) {
    write(Level::kWarn, message, {fields.begin(), fields.size()}, where);
}
inline void error(std::string_view message, Fields fields = {},
                  SourceLocation where = SourceLocation::current()) {
    write(Level::kError, message, {fields.begin(), fields.size()}, where);
}
// Writes the line and exits with code 1: only for what a member cannot live through, such as a
// failed log sync.
[[noreturn]] void fatal(std::string_view message, Fields fields = {},
                        SourceLocation where = SourceLocation::current());

}  // namespace quorate::log
