// SPDX-License-Identifier: Apache-2.0
//
// OptionReader: reads the lines of a plugin's config section and refuses what is wrong, naming it.
//
//   OptionReader options(list, count);
//   config.cache_bytes = options.bytes("cache_bytes", 32 << 20, {.min = 0, .max = 1ull << 40});
//   config.compression = options.choice("compression", "snappy", {"snappy", "none"});
//   if (Status s = options.finish(); !s.ok()) return s;
//
// Reads never fail one by one: they give the default, and finish() tells the first thing wrong.
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/barrier.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::plugin {

class OptionReader {
  public:
    struct Bounds {
        uint64_t min = 0;
        uint64_t max = UINT64_MAX;
    };

    struct DurationBounds {
        int64_t min_ms = 1;
        int64_t max_ms = INT64_C(1'000'000) * 3'600'000;
    };

    OptionReader(const quorate_option* options, size_t count) : options_(options), count_(count) {}

    std::string text(std::string_view key, std::string_view fallback) {
        const std::string_view* given = find(key);
        return std::string(given == nullptr ? fallback : *given);
    }

    // One of `allowed`.
    std::string choice(std::string_view key, std::string_view fallback,
                       std::initializer_list<std::string_view> allowed) {
        const std::string_view* given = find(key);
        if (given == nullptr) {
            return std::string(fallback);
        }
        std::string list;
        for (const std::string_view candidate : allowed) {
            if (candidate == *given) {
                return std::string(*given);
            }
            list += (list.empty() ? "" : ", ") + std::string(candidate);
        }
        refuse(key, *given, "one of " + list);
        return std::string(fallback);
    }

    // A whole number.
    uint64_t number(std::string_view key, uint64_t fallback, Bounds bounds) {
        const std::string_view* given = find(key);
        return given == nullptr ? fallback : parse(key, *given, *given, 1, fallback, bounds);
    }

    // A number of bytes, with KiB, MiB or GiB behind it if wanted.
    uint64_t bytes(std::string_view key, uint64_t fallback, Bounds bounds) {
        const std::string_view* given = find(key);
        if (given == nullptr) {
            return fallback;
        }
        struct Suffix {
            std::string_view name;
            uint64_t factor;
        };
        constexpr Suffix kSuffixes[] = {
            {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}};
        for (const Suffix& suffix : kSuffixes) {
            if (given->size() > suffix.name.size() && given->ends_with(suffix.name)) {
                const auto digits = given->substr(0, given->size() - suffix.name.size());
                return parse(key, *given, digits, suffix.factor, fallback, bounds);
            }
        }
        return parse(key, *given, *given, 1, fallback, bounds);
    }

    // Milliseconds, written as Go writes durations: "90s", "1h30m", "1.5h".
    int64_t duration_ms(std::string_view key, int64_t fallback, DurationBounds bounds) {
        const std::string_view* given = find(key);
        if (given == nullptr) {
            return fallback;
        }
        const int64_t value_ms = parse_duration_ms(*given);
        if (value_ms < bounds.min_ms || value_ms > bounds.max_ms) {
            refuse(key, *given,
                   "a duration such as 90s, 5m or 1h30m, from " + std::to_string(bounds.min_ms) +
                       "ms to " + std::to_string(bounds.max_ms / 3'600'000) + "h");
            return fallback;
        }
        return value_ms;
    }

    // Fails when a value was refused, or when an option was given that nobody asked for.
    Status finish() const {
        if (!refusal_.empty()) {
            return {QUORATE_INVALID_ARGUMENT, refusal_};
        }
        for (size_t i = 0; i < count_; ++i) {
            if (!known(view(options_[i].key))) {
                return unknown(view(options_[i].key));
            }
        }
        return {};
    }

  private:
    const std::string_view* find(std::string_view key) {
        known_.emplace_back(key);
        bool found = false;
        for (size_t i = 0; i < count_; ++i) {
            if (view(options_[i].key) == key) {
                if (found) {
                    refuse(key, view(options_[i].value), "to be given once");
                }
                found = true;
                value_ = view(options_[i].value);
            }
        }
        return found ? &value_ : nullptr;
    }

    uint64_t parse(std::string_view key, std::string_view given, std::string_view digits,
                   uint64_t factor, uint64_t fallback, Bounds bounds) {
        uint64_t value = 0;
        const char* end = digits.data() + digits.size();
        const auto [stop, error] = std::from_chars(digits.data(), end, value);
        const bool number = error == std::errc() && stop == end && value <= UINT64_MAX / factor;
        if (!number || value * factor < bounds.min || value * factor > bounds.max) {
            refuse(key, given,
                   "a number from " + std::to_string(bounds.min) + " to " +
                       std::to_string(bounds.max));
            return fallback;
        }
        return value * factor;
    }

    // -1 for what is no duration, or too long for one.
    static int64_t parse_duration_ms(std::string_view text) {
        struct Unit {
            std::string_view name;
            double ms;
        };
        constexpr Unit kUnits[] = {{"ms", 1}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}};
        double sum_ms = 0;
        do {
            double amount = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] =
                std::from_chars(text.data(), end, amount, std::chars_format::fixed);
            text = std::string_view(stop, static_cast<size_t>(end - stop));
            const Unit* unit =
                std::find_if(std::begin(kUnits), std::end(kUnits),
                             [&](const Unit& u) { return text.starts_with(u.name); });
            if (error != std::errc() || unit == std::end(kUnits) || !(amount >= 0)) {
                return -1;
            }
            sum_ms += amount * unit->ms;
            text.remove_prefix(unit->name.size());
        } while (!text.empty());
        return sum_ms < 9e15 ? static_cast<int64_t>(sum_ms) : -1;
    }

    void refuse(std::string_view key, std::string_view given, const std::string& needed) {
        if (refusal_.empty()) {
            refusal_ =
                "option " + std::string(key) + " = \"" + std::string(given) + "\": needs " + needed;
        }
    }

    bool known(std::string_view key) const {
        for (const std::string& name : known_) {
            if (name == key) {
                return true;
            }
        }
        return false;
    }

    Status unknown(std::string_view key) const {
        std::string text = "unknown option \"" + std::string(key) + "\"";
        for (size_t i = 0; i < known_.size(); ++i) {
            text += (i == 0 ? "; known: " : ", ") + known_[i];
        }
        return {QUORATE_INVALID_ARGUMENT, text};
    }

    const quorate_option* options_;
    size_t count_;
    std::vector<std::string> known_;
    std::string_view value_;  // what find() points at
    std::string refusal_;
};

}  // namespace quorate::plugin
