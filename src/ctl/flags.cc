// SPDX-License-Identifier: Apache-2.0
#include "ctl/flags.h"

#include "base/assert.h"
#include "base/duration.h"
#include "base/errors.h"

#include <charconv>
#include <optional>

namespace quorate::ctl {
namespace {

std::optional<int64_t> parse_int(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

// The forms of Go's ParseBool.
std::optional<bool> parse_switch(std::string_view text) {
    for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
        if (text == yes) {
            return true;
        }
    }
    for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
        if (text == no) {
            return false;
        }
    }
    return std::nullopt;
}

// What is wrong with a value, or nothing.
std::string complaint(const FlagSpec& spec, const std::string& value) {
    switch (spec.kind) {
        case FlagKind::kSwitch:
            return parse_switch(value) ? "" : "must be true or false";
        case FlagKind::kText:
            return "";
        case FlagKind::kInt:
            return parse_int(value) ? "" : "must be an integer";
        case FlagKind::kCount: {
            const auto number = parse_int(value);
            return number && *number >= 0 ? "" : "must be an integer of 0 or more";
        }
        case FlagKind::kDuration: {
            const auto duration = parse_duration(value);
            if (!duration) {
                return std::string(duration.error().detail());
            }
            return *duration >= 0 ? "" : "must not be negative";
        }
    }
    return "";
}

const FlagSpec* find_letter(const FlagGroups& groups, char letter) {
    for (const auto& group : groups) {
        for (const FlagSpec& spec : group) {
            if (spec.letter == letter) {
                return &spec;
            }
        }
    }
    return nullptr;
}

class Parser {
  public:
    Parser(std::span<const std::string> arguments, const FlagGroups& groups)
        : arguments_(arguments), groups_(groups) {
        line_.flags = Flags(groups);
    }

    Result<ParsedLine> run() {
        while (next_ < arguments_.size()) {
            const std::string& argument = arguments_[next_++];
            if (argument == "--") {
                line_.before_dashes = line_.operands.size();
                line_.operands.insert(line_.operands.end(),
                                      arguments_.begin() + static_cast<std::ptrdiff_t>(next_),
                                      arguments_.end());
                break;
            }
            Status s;
            if (argument.starts_with("--")) {
                s = take_long(argument.substr(2));
            } else if (argument.size() > 1 && argument[0] == '-') {
                s = take_letters(argument.substr(1));
            } else {
                line_.operands.push_back(argument);
            }
            if (!s.ok()) {
                return s;
            }
        }
        return std::move(line_);
    }

  private:
    Status take_long(const std::string& text) {
        const size_t equals = text.find('=');
        const std::string name = text.substr(0, equals);
        if (name == "help") {
            line_.help = true;
            return {};
        }
        const FlagSpec* spec = find_flag(groups_, name);
        if (spec == nullptr) {
            return {errors::kUsage, "unknown flag: --" + name};
        }
        if (equals != std::string::npos) {
            return line_.flags.set(name, text.substr(equals + 1));
        }
        return take_value(*spec, "--" + name);
    }

    // "-i", "-ilw json", "-wjson", "-w=json".
    Status take_letters(const std::string& letters) {
        for (size_t i = 0; i < letters.size(); ++i) {
            if (letters[i] == 'h') {
                line_.help = true;
                continue;
            }
            const FlagSpec* spec = find_letter(groups_, letters[i]);
            if (spec == nullptr) {
                return {errors::kUsage,
                        std::string("unknown shorthand flag: '") + letters[i] + "' in -" + letters};
            }
            const bool last = i + 1 == letters.size();
            if (!last && letters[i + 1] == '=') {
                return line_.flags.set(spec->name, letters.substr(i + 2));
            }
            if (spec->kind != FlagKind::kSwitch && !last) {
                return line_.flags.set(spec->name, letters.substr(i + 1));
            }
            if (Status s = take_value(*spec, std::string("'") + letters[i] + "' in -" + letters);
                !s.ok()) {
                return s;
            }
        }
        return {};
    }

    Status take_value(const FlagSpec& spec, const std::string& shown) {
        if (spec.kind == FlagKind::kSwitch) {
            return line_.flags.set(spec.name, "true");
        }
        if (next_ == arguments_.size()) {
            return {errors::kUsage, "flag needs an argument: " + shown};
        }
        return line_.flags.set(spec.name, arguments_[next_++]);
    }

    const std::span<const std::string> arguments_;
    const FlagGroups& groups_;
    size_t next_ = 0;
    ParsedLine line_;
};

}  // namespace

const FlagSpec* find_flag(const FlagGroups& groups, std::string_view name) {
    for (const auto& group : groups) {
        for (const FlagSpec& spec : group) {
            if (spec.name == name) {
                return &spec;
            }
        }
    }
    return nullptr;
}

Status Flags::set(std::string_view name, std::string value) {
    const FlagSpec* spec = find_flag(groups_, name);
    if (spec == nullptr) {
        return {errors::kUsage, "unknown flag: --" + std::string(name)};
    }
    if (const std::string wrong = complaint(*spec, value); !wrong.empty()) {
        return {errors::kUsage, "invalid argument \"" + value + "\" for \"--" + std::string(name) +
                                    "\" flag: " + wrong};
    }
    values_.insert_or_assign(std::string(name), std::move(value));
    return {};
}

const FlagSpec& Flags::spec(std::string_view name) const {
    const FlagSpec* found = find_flag(groups_, name);
    QUORATE_ASSERT(found != nullptr);
    return *found;
}

std::string Flags::raw(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string(spec(name).fallback) : found->second;
}

bool Flags::on(std::string_view name) const {
    return parse_switch(raw(name)).value_or(false);
}

const std::string& Flags::text(std::string_view name) const {
    const auto found = values_.find(name);
    if (found != values_.end()) {
        return found->second;
    }
    return fallbacks_.emplace(name, spec(name).fallback).first->second;
}

int64_t Flags::number(std::string_view name) const {
    return parse_int(raw(name)).value_or(0);
}

int64_t Flags::duration_ns(std::string_view name) const {
    const auto duration = parse_duration(raw(name));
    return duration ? *duration : 0;
}

Result<ParsedLine> parse_line(std::span<const std::string> arguments, const FlagGroups& groups) {
    return Parser(arguments, groups).run();
}

}  // namespace quorate::ctl
