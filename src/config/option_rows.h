// SPDX-License-Identifier: Apache-2.0
//
// The pieces of the option table, one file per subject, and what their rows are written with.
#pragma once

#include "config/options.h"
#include "config/values.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::config {

using View = std::string_view;

std::vector<Option> member_rows();
std::vector<Option> clustering_rows();
std::vector<Option> security_rows();
std::vector<Option> service_rows();  // auth, monitoring, logging, checks
std::vector<Option> program_rows();  // unsafe, plugins, program, legacy

// Keeps a parsed value, or passes on what was wrong with it.
template <typename T, typename Field>
Status keep(Result<T> parsed, Field& field) {
    if (!parsed) {
        return parsed.error();
    }
    field = std::move(parsed).value();
    return {};
}

inline Status keep_text(View text, std::string& field) {
    field = std::string(text);
    return {};
}

inline Status keep_list(View text, std::vector<std::string>& field) {
    field = split_unique(text);
    return {};
}

// For options whose value nothing reads: their form is still checked.
inline Status accept_duration(View text) {
    const Result<int64_t> parsed = to_duration(text);
    return parsed ? Status() : parsed.error();
}

inline Status accept_switch(View text) {
    const Result<bool> parsed = to_bool(text);
    return parsed ? Status() : parsed.error();
}

}  // namespace quorate::config
