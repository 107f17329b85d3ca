// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "cluster/membership.h"
#include "mvcc/store.h"
#include "util/commands.h"
#include "util/data_dir.h"
#include "util/report.h"

#include <charconv>
#include <cstdio>

namespace quorate::util {
namespace {

constexpr OptionSpec kCompactSpecs[] = {
    {"force", "", "also for one of several members"},
};

Result<int64_t> revision_of(const std::string& text) {
    int64_t revision = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
    if (error != std::errc() || end != text.data() + text.size() || revision < 1) {
        return Status(errors::kUsage, "\"" + text + "\" is no revision: must be a number above 0");
    }
    return revision;
}

// A member that forgets alone answers differently from the others.
Status check_alone(storage::Backend& engine, const Invocation& invocation) {
    const auto view = engine.view();
    if (!view) {
        return view.error();
    }
    cluster::Membership membership;
    if (Status s = membership.restore(**view); !s.ok()) {
        return s;
    }
    const size_t members = membership.list().members.size();
    if (members > 1 && !invocation.on("force")) {
        return {errors::kConfig,
                "this is one of " + std::to_string(members) +
                    " members, and the others would still have what it forgets; compact the "
                    "running cluster with \"etcdctl compaction\", or all members with --force"};
    }
    return {};
}

Result<size_t> compact(mvcc::Store& store, storage::Backend& engine, int64_t revision) {
    storage::WriteBatch batch;
    if (Status s = store.compact(revision, batch); !s.ok()) {
        return s;
    }
    size_t removed = 0;
    while (store.compaction_pending()) {
        removed += store.compact_step({}, batch).revisions_removed;
        if (batch.empty()) {
            continue;
        }
        if (Status s = engine.write(batch, storage::Durability::kBuffered); !s.ok()) {
            return s;
        }
        batch.clear();
    }
    if (Status s = engine.sync(); !s.ok()) {
        return s;
    }
    return removed;
}

Status run_compact(const Invocation& invocation) {
    const auto format = format_of(invocation);
    if (!format) {
        return format.error();
    }
    const auto revision = revision_of(invocation.operands[0]);
    if (!revision) {
        return revision.error();
    }
    auto data = DataDir::open(invocation);
    if (!data) {
        return data.error();
    }
    auto engine = (*data)->open_engine();
    if (!engine) {
        return engine.error();
    }
    if (Status s = check_alone(**engine, invocation); !s.ok()) {
        return s;
    }
    const auto store = mvcc::Store::open(**engine, {});
    if (!store) {
        return store.error();
    }
    const auto removed = compact(**store, **engine, *revision);
    if (!removed) {
        return Status(errors::kConfig, removed.error().message() + ": the newest revision is " +
                                           std::to_string((*store)->current_revision()) +
                                           ", the compacted one " +
                                           std::to_string((*store)->compact_revision()));
    }
    if (*format == Format::kSimple) {
        std::printf("compacted revision %lld, %zu records removed\n",
                    static_cast<long long>(*revision), *removed);
        return {};
    }
    print(*format,
          {{"compact revision", "CompactRevision", "compactRevision", std::to_string(*revision)},
           {"removed", "Removed", "removed", std::to_string(*removed)}});
    return {};
}

const std::span<const OptionSpec> kOptions[] = {kCompactSpecs, kDataOptions, kCommonOptions};

}  // namespace

const Command kCompact = {
    .name = "compact",
    .operands = "REVISION",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "Forgets what was superseded at or before a revision.",
    .details =
        "For a store that must become smaller before it is moved or started. What is only\n"
        "in the log counts from the next start on.",
    .options = kOptions,
    .run = run_compact,
};

}  // namespace quorate::util
