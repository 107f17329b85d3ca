// SPDX-License-Identifier: Apache-2.0
#include "base/log_levels.h"

#include "base/errors.h"
#include "base/log_line.h"

#include <algorithm>
#include <optional>

namespace quorate::log {

namespace {

std::optional<Level> level_of(std::string_view name) {
    for (const Level level :
         {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError, Level::kPanic, Level::kFatal}) {
        if (level_name(level) == name) {
            return level;
        }
    }
    return std::nullopt;
}

Status malformed() {
    return {errors::kConfig,
            "must be debug, info, warn, error, panic or fatal, or module=level and the rest, as in "
            "raft=debug,info"};
}

}  // namespace

Result<Levels> Levels::parse(std::string_view text) {
    Levels levels;
    bool has_rest = false;
    for (bool more = true; more;) {
        const size_t comma = text.find(',');
        const std::string_view item = text.substr(0, comma);
        more = comma != std::string_view::npos;
        text.remove_prefix(more ? comma + 1 : text.size());

        const size_t equals = item.find('=');
        const bool bare = equals == std::string_view::npos;
        const std::string_view module = bare ? std::string_view() : item.substr(0, equals);
        const std::optional<Level> level = level_of(bare ? item : item.substr(equals + 1));
        if (!level || (bare && has_rest) || (!bare && module.empty())) {
            return malformed();
        }
        if (bare) {
            levels.rest_ = *level;
            has_rest = true;
        } else {
            levels.modules_.emplace_back(module, *level);
        }
    }
    return levels;
}

Level Levels::of(std::string_view module) const {
    for (const auto& [name, level] : modules_) {
        if (name == module) {
            return level;
        }
    }
    return rest_;
}

Level Levels::lowest() const {
    Level lowest = rest_;
    for (const auto& [name, level] : modules_) {
        lowest = std::min(lowest, level);
    }
    return lowest;
}

}  // namespace quorate::log
