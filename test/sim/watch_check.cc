// SPDX-License-Identifier: Apache-2.0
#include "sim/watch_check.h"

#include <map>

namespace quorate::sim {
namespace {

struct Owed {
    const Change* change;
    std::optional<KeyValue> previous;
};

std::vector<Owed> owed_to(const WatchRecord& record, const std::vector<Change>& changes) {
    Operation range;
    range.key = record.key;
    range.range_end = record.range_end;
    std::map<std::string, KeyValue> now;
    std::vector<Owed> owed;
    for (const Change& change : changes) {
        const std::string& key = change.kv.key;
        if (range.covers(key) && change.kv.mod_revision >= record.start_revision) {
            const auto it = now.find(key);
            owed.push_back({&change, it == now.end() ? std::nullopt : std::optional(it->second)});
        }
        if (change.deletion) {
            now.erase(key);
        } else {
            now[key] = change.kv;
        }
    }
    return owed;
}

std::string say(const WatchRecord& record, const std::string& what) {
    return "watcher " + record.name + " of " + record.key + ".." + record.range_end + " from " +
           std::to_string(record.start_revision) + ": " + what;
}

}  // namespace

std::vector<std::string> check_watch(const WatchRecord& record,
                                     const std::vector<Change>& changes) {
    const std::vector<Owed> owed = owed_to(record, changes);
    size_t next = 0;
    const auto revision_of = [&](size_t i) { return owed[i].change->kv.mod_revision; };
    for (const WatchItem& item : record.items) {
        switch (item.kind) {
            case WatchItem::Kind::kProgress:
                if (next < owed.size() && revision_of(next) <= item.revision) {
                    return {say(record, "told of progress to " + std::to_string(item.revision) +
                                            ", but is owed " + describe(*owed[next].change))};
                }
                break;
            case WatchItem::Kind::kCompacted:
                if (item.revision > record.compact_revision) {
                    return {say(record, "canceled by a compaction at " +
                                            std::to_string(item.revision) + " that never was")};
                }
                while (next < owed.size() && revision_of(next) <= item.revision) {
                    ++next;
                }
                break;
            case WatchItem::Kind::kEvent: {
                if (next == owed.size()) {
                    return {say(record,
                                "given what never happened, or twice: " + describe(item.change))};
                }
                const Owed& expected = owed[next];
                if (*expected.change != item.change) {
                    return {say(record, "given " + describe(item.change) + " instead of " +
                                            describe(*expected.change))};
                }
                const bool previous_is_gone =
                    !item.previous && expected.previous &&
                    expected.previous->mod_revision <= record.compact_revision;
                if (record.prev_kv && item.previous != expected.previous && !previous_is_gone) {
                    return {
                        say(record, "given a wrong previous pair with " + describe(item.change))};
                }
                ++next;
                break;
            }
        }
    }
    if (next < owed.size() && revision_of(next) <= record.complete_to) {
        return {say(record, "never given " + describe(*owed[next].change))};
    }
    return {};
}

}  // namespace quorate::sim
