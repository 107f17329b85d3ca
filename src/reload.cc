// SPDX-License-Identifier: Apache-2.0
#include "reload.h"

#include "base/assert.h"
#include "base/log.h"

#include <string_view>

namespace quorate {
namespace {

bool is_log_setting(std::string_view option) {
    return option.starts_with("log-") || option == "enable-log-rotation";
}

// The names of the options that differ: of the log's, or of all others.
std::string changed_options(const std::vector<log::Field>& before,
                            const std::vector<log::Field>& after, bool of_log) {
    QUORATE_ASSERT(before.size() == after.size());  // both hold the whole table
    std::string names;
    for (size_t i = 0; i < before.size(); ++i) {
        if (before[i].value != after[i].value && is_log_setting(after[i].key) == of_log) {
            names += (names.empty() ? "" : ",") + std::string(after[i].key);
        }
    }
    return names;
}

}  // namespace

Reloader::Reloader(const config::Inputs& inputs, const config::Loaded& started)
    : inputs_(inputs), started_(started), effective_(started.effective) {}

Status Reloader::reload() {
    // Whoever rotates the log's files needs them opened again, whatever the configuration is like.
    const Status reopened = log::reopen();
    const Result<config::Loaded> read = config::load(inputs_);
    if (!read) {
        return read.error();
    }
    const std::string names = changed_options(effective_, read->effective, true);
    if (names.empty() && !reopened.ok()) {
        return reopened;
    }
    if (!names.empty()) {
        if (Status s = log::configure(read->config.log); !s.ok()) {
            return s;
        }
        log::info("log settings have changed",
                  {{"options", names}, {"log-level", read->config.log.levels}});
    }
    effective_ = read->effective;
    if (const std::string rest = changed_options(started_.effective, effective_, false);
        !rest.empty()) {
        log::warn("options have changed that count only from the next start", {{"options", rest}});
    }
    return {};
}

}  // namespace quorate
