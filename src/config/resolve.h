// SPDX-License-Identifier: Apache-2.0
//
// The last two steps of loading: values that depend on several options, and the rules between
// options. Error texts are etcd's where etcd has the rule. Start-up thread.
#pragma once

#include "base/status.h"
#include "config/load.h"
#include "config/options.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::config {

struct ResolveInputs {
    std::function<bool(std::string_view option)> is_given;
    std::string executable_dir;
};

// Fills in what is derived: data-dir, initial-cluster, auto-compaction-retention, plugins.
Status resolve(Draft& draft, const ResolveInputs& inputs, std::vector<Note>& notes);

// The rules between options, in etcd's order.
Status validate(const Draft& draft, std::vector<Note>& notes);

}  // namespace quorate::config
