// SPDX-License-Identifier: Apache-2.0
//
// Flags of a command line as etcdctl reads them: --name value, --name=value, -w json, -wjson,
// switches alone or with =true and =false, anywhere between the operands up to "--". Values, one
// thread.
#pragma once

#include "base/status.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::ctl {

enum class FlagKind : uint8_t { kSwitch, kText, kInt, kCount, kDuration };

struct FlagSpec {
    std::string_view name;
    FlagKind kind;
    std::string_view fallback;  // in the form of the command line
    std::string_view help;
    char letter = 0;
    std::string_view choices = {};  // for completion, separated by blanks
};

// One group of flags after the other; an earlier one wins.
using FlagGroups = std::vector<std::span<const FlagSpec>>;

const FlagSpec* find_flag(const FlagGroups& groups, std::string_view name);

class Flags {
  public:
    Flags() = default;
    explicit Flags(FlagGroups groups) : groups_(std::move(groups)) {}

    // errors::kUsage with etcdctl's text when there is no such flag or the value does not fit.
    Status set(std::string_view name, std::string value);

    // Given, and not left to its fallback.
    bool given(std::string_view name) const { return values_.contains(name); }

    // The name must be that of a flag of this kind.
    bool on(std::string_view name) const;
    const std::string& text(std::string_view name) const;
    int64_t number(std::string_view name) const;  // kInt and kCount
    int64_t duration_ns(std::string_view name) const;

    const FlagGroups& groups() const { return groups_; }

  private:
    const FlagSpec& spec(std::string_view name) const;
    std::string raw(std::string_view name) const;

    FlagGroups groups_;
    std::map<std::string, std::string, std::less<>> values_;
    mutable std::map<std::string, std::string, std::less<>> fallbacks_;
};

struct ParsedLine {
    Flags flags;
    std::vector<std::string> operands;
    size_t before_dashes = SIZE_MAX;  // operands in front of "--"; SIZE_MAX without one
    bool help = false;                // --help or -h

    bool has_dashes() const { return before_dashes != SIZE_MAX; }
};

// errors::kUsage with etcdctl's text.
Result<ParsedLine> parse_line(std::span<const std::string> arguments, const FlagGroups& groups);

}  // namespace quorate::ctl
