// SPDX-License-Identifier: Apache-2.0
#include "ctl/watch_line.h"

#include "base/errors.h"
#include "ctl/go_text.h"

namespace quorate::ctl {
namespace {

constexpr FlagSpec kSpecs[] = {
    {"interactive", FlagKind::kSwitch, "false", "Interactive mode", 'i'},
    {"prefix", FlagKind::kSwitch, "false", "Watch on a prefix if prefix is set"},
    {"rev", FlagKind::kInt, "0", "Revision to start watching"},
    {"prev-kv", FlagKind::kSwitch, "false",
     "get the previous key-value pair before the event happens"},
    {"progress-notify", FlagKind::kSwitch, "false",
     "get periodic watch progress notification from server"},
};

Status usage(const char* text) {
    return {errors::kUsage, text};
}

// Key and range end: from the line or from the environment, never from both.
Result<std::vector<std::string>> what_to_watch(const ParsedLine& line,
                                               const WatchDefaults& defaults) {
    std::vector<std::string> keys = line.operands;
    if (line.has_dashes()) {
        keys.resize(line.before_dashes);
    }
    if (!defaults.key.empty()) {
        if (!keys.empty()) {
            return usage("bad number of arguments (found conflicting environment key)");
        }
        keys = {defaults.key};
        if (!defaults.range_end.empty()) {
            keys.push_back(defaults.range_end);
        }
    }
    if (keys.empty() || keys.size() > 2) {
        return usage("bad number of arguments");
    }
    return keys;
}

}  // namespace

const std::span<const FlagSpec> kWatchFlags = kSpecs;

Result<WatchLine> watch_line(const ParsedLine& line, const WatchDefaults& defaults) {
    if (line.has_dashes() && line.before_dashes == line.operands.size()) {
        return usage("bad number of arguments (found separator --, but no commands)");
    }
    auto keys = what_to_watch(line, defaults);
    if (!keys) {
        return keys.error();
    }
    WatchLine asked;
    if (line.has_dashes()) {
        asked.command.assign(
            line.operands.begin() + static_cast<std::ptrdiff_t>(line.before_dashes),
            line.operands.end());
    }
    etcdserverpb::WatchCreateRequest& create = asked.create;
    create.set_key((*keys)[0]);
    const bool prefix = line.flags.on("prefix");
    if (keys->size() == 2) {
        if (prefix) {
            return usage("`range_end` and `--prefix` are mutually exclusive");
        }
        create.set_range_end((*keys)[1]);
    } else if (prefix) {
        create.set_range_end(prefix_end(create.key()));
        if (create.key().empty()) {
            create.set_key(Bytes(1, '\0'));
        }
    }
    create.set_start_revision(line.flags.number("rev"));
    create.set_prev_kv(line.flags.on("prev-kv"));
    create.set_progress_notify(line.flags.on("progress-notify"));
    return asked;
}

}  // namespace quorate::ctl
