// SPDX-License-Identifier: Apache-2.0
#include "apply/alarm_store.h"
#include "auth/auth_store.h"
#include "base/errors.h"
#include "cluster/member.h"
#include "cluster/membership.h"
#include "lease/lessor.h"
#include "mvcc/store.h"
#include "snapshot/auth_rows.h"
#include "snapshot/cluster_rows.h"
#include "snapshot/reader.h"
#include "snapshot/tables.h"
#include "storage/schema.h"
#include "util/commands.h"
#include "util/data_dir.h"
#include "util/engine_copy.h"
#include "util/report.h"
#include "wal/recovery.h"

#include <cstdio>
#include <optional>
#include <utility>

namespace quorate::util {
namespace {

// In simple form for people, who see what each number is.
void print_verdict(Format format, const std::string& path, const std::vector<ReportItem>& items) {
    if (format != Format::kSimple) {
        print(format, items);
        return;
    }
    std::string text;
    for (const ReportItem& item : items) {
        text += (text.empty() ? "" : ", ") + std::string(item.title) + " " + item.value;
    }
    std::printf("%s is whole: %s\n", path.c_str(), text.c_str());
}

// Every row of the buckets that are restored, read as restoring would.
Result<uint64_t> check_rows(const snapshot::Reader& reader, const snapshot::TableMapping& mapping) {
    auto cursor = reader.scan(mapping.bucket);
    if (!cursor) {
        return cursor.error();
    }
    for (uint64_t number = 1;; ++number) {
        const auto row = cursor->next();
        if (!row) {
            return row.error();
        }
        if (!row->has_value()) {
            return number - 1;
        }
        if (const auto ours = mapping.from_etcd(**row, number); !ours) {
            return Status(errors::kDamaged, reader.path() + ": bucket \"" + Bytes(mapping.bucket) +
                                                "\": " + std::string(ours.error().detail()));
        }
    }
}

Status verify_file(const std::string& path, bool skip_hash, Format format) {
    const auto fs = make_posix_file_system();
    auto reader = snapshot::Reader::open(
        *fs, path, skip_hash ? snapshot::HashCheck::kSkipped : snapshot::HashCheck::kRequired);
    if (!reader) {
        return reader.error();
    }
    const auto status = (*reader)->status();
    if (!status) {
        return status.error();
    }
    const auto info = snapshot::read_cluster_info(**reader);
    if (!info) {
        return info.error();
    }
    uint64_t records = 0;
    uint64_t leases = 0;
    uint64_t users = 0;
    for (const snapshot::TableMapping& mapping : snapshot::table_mappings()) {
        const auto rows = check_rows(**reader, mapping);
        if (!rows) {
            return rows.error();
        }
        records += mapping.table == storage::Table::kRecords ? *rows : 0;
        leases += mapping.table == storage::Table::kLeases ? *rows : 0;
        users += mapping.table == storage::Table::kUsers ? *rows : 0;
    }
    const auto marks = snapshot::read_marks(**reader);
    if (!marks) {
        return marks.error();
    }
    if (const auto auth = snapshot::read_auth_settings(**reader); !auth) {
        return auth.error();
    }
    print_verdict(format, path,
                  {{"revision", "Revision", "revision", std::to_string(status->revision)},
                   {"records", "Records", "records", std::to_string(records)},
                   {"leases", "Leases", "leases", std::to_string(leases)},
                   {"users", "Users", "users", std::to_string(users)},
                   {"members", "Members", "members", std::to_string(info->members.size())},
                   {"index", "Index", "index", std::to_string(info->applied.index)}});
    return {};
}

struct EngineFacts {
    mvcc::StoreStats stats;
    int64_t revision = 0;
    int64_t compact_revision = 0;
    size_t leases = 0;
    size_t users = 0;
    size_t members = 0;
    uint64_t applied = 0;
    CopyReport rows;
};

Status check_leases(storage::View& view, const mvcc::Store& store, EngineFacts& facts) {
    lease::Lessor lessor({});
    if (Status s = lessor.restore(view); !s.ok()) {
        return s;
    }
    Status attached;
    store.visit_leased([&](ByteView key, int64_t lease) {
        if (attached.ok() && !lessor.attach(lease, key).ok()) {
            attached = Status(errors::kDamaged, "key \"" + Bytes(key) + "\" hangs on lease " +
                                                    std::to_string(lease) +
                                                    ", which is not in the lease table");
        }
    });
    facts.leases = lessor.size();
    return attached;
}

Status check_owner(storage::View& view, const node::Identity& identity, const std::string& dir) {
    const auto row = view.get(storage::kIdentityKey);
    if (!row) {
        return row.error();
    }
    const auto ids = row->has_value() ? storage::decode_u64_pair(**row) : std::nullopt;
    if (!ids || ids->first != identity.cluster_id || ids->second != identity.member_id) {
        return {errors::kForeignData, dir + " does not belong to cluster " +
                                          cluster::format_id(identity.cluster_id) + ", member " +
                                          cluster::format_id(identity.member_id)};
    }
    return {};
}

Result<EngineFacts> check_engine(storage::Backend& engine, const node::Identity& identity,
                                 const std::string& dir) {
    EngineFacts facts;
    const auto rows = sum_engine(engine);
    if (!rows) {
        return rows.error();
    }
    facts.rows = *rows;
    const auto view = engine.view();
    if (!view) {
        return view.error();
    }
    const auto restoring = (*view)->get(storage::kRestoringKey);
    if (!restoring) {
        return restoring.error();
    }
    if (restoring->has_value()) {
        return Status(errors::kDamaged, dir + " is left from a restore that did not end");
    }
    if (Status s = check_owner(**view, identity, dir); !s.ok()) {
        return s;
    }
    const auto info = snapshot::read_cluster_info(**view);
    if (!info) {
        return info.error();
    }
    facts.applied = info->applied.index;
    facts.members = info->members.size();
    apply::AlarmStore alarms;
    if (Status s = alarms.restore(**view); !s.ok()) {
        return s;
    }
    auth::AuthStore auth;
    if (Status s = auth.restore(**view); !s.ok()) {
        return s;
    }
    facts.users = auth.rules().users.size();
    const auto store = mvcc::Store::open(engine, {});
    if (!store) {
        return store.error();
    }
    if (Status s = check_leases(**view, **store, facts); !s.ok()) {
        return s;
    }
    (*store)->check_invariants();
    facts.stats = (*store)->stats();
    facts.revision = (*store)->current_revision();
    facts.compact_revision = (*store)->compact_revision();
    return facts;
}

// Where there is no log yet (restored, never started) there is nothing to check.
Result<std::optional<wal::Recovery>> check_log(DataDir& data, const node::Identity& identity,
                                               uint64_t applied) {
    const auto exists = data.fs().exists(data.paths().wal_dir);
    if (!exists) {
        return exists.error();
    }
    if (!*exists) {
        return std::optional<wal::Recovery>();
    }
    auto log = wal::recover(data.fs(), data.paths().wal_dir,
                            {identity.cluster_id, identity.member_id}, {});
    if (!log) {
        return log.error();
    }
    if (applied < log->recovered.start.index || applied > log->recovered.last().index) {
        return Status(errors::kDamaged, data.paths().engine_dir + " has applied index " +
                                            std::to_string(applied) + ", the log in " +
                                            data.paths().wal_dir + " has " +
                                            std::to_string(log->recovered.start.index + 1) +
                                            " to " + std::to_string(log->recovered.last().index));
    }
    return std::optional(*std::move(log));
}

Status verify_data(const Invocation& invocation, Format format) {
    auto data = DataDir::open(invocation);
    if (!data) {
        return data.error();
    }
    const auto identity = (*data)->identity();
    if (!identity) {
        return identity.error();
    }
    auto engine = (*data)->open_engine();
    if (!engine) {
        return engine.error();
    }
    const auto facts = check_engine(**engine, *identity, (*data)->paths().engine_dir);
    if (!facts) {
        return facts.error();
    }
    const auto log = check_log(**data, *identity, facts->applied);
    if (!log) {
        return log.error();
    }
    const auto number = [](std::string_view title, std::string_view label, std::string_view key,
                           auto value) {
        return ReportItem{title, label, key, std::to_string(value)};
    };
    print_verdict(
        format, (*data)->paths().data_dir,
        {{"storage", "Storage", "storage", (*data)->engine_name(), {}, true},
         number("rows", "Rows", "rows", facts->rows.rows),
         number("keys", "Keys", "keys", facts->stats.keys),
         number("revision", "Revision", "revision", facts->revision),
         number("compacted", "CompactRevision", "compactRevision", facts->compact_revision),
         number("leases", "Leases", "leases", facts->leases),
         number("users", "Users", "users", facts->users),
         number("members", "Members", "members", facts->members),
         number("applied", "AppliedIndex", "appliedIndex", facts->applied),
         number("log end", "LogEnd", "logEnd", *log ? (*log)->recovered.last().index : 0),
         number("segments", "LogSegments", "logSegments", *log ? (*log)->segments.size() : 0),
         number("torn bytes", "TornBytes", "tornBytes", *log ? (*log)->recovered.torn_bytes : 0)});
    return {};
}

Status run_verify(const Invocation& invocation) {
    const auto format = format_of(invocation);
    if (!format) {
        return format.error();
    }
    return invocation.operands.empty()
               ? verify_data(invocation, *format)
               : verify_file(invocation.operands[0], invocation.on("skip-hash-check"), *format);
}

constexpr OptionSpec kVerifySpecs[] = {
    {"skip-hash-check", "", "take a FILE without SHA-256, as a db file of etcd's is"},
};
const std::span<const OptionSpec> kOptions[] = {kVerifySpecs, kDataOptions, kCommonOptions};

}  // namespace

const Command kVerify = {
    .name = "verify",
    .operands = "[FILE]",
    .operands_max = 1,
    .summary = "Walks every record and checksum of a snapshot file or a data directory.",
    .details =
        "Of a data directory: all rows of the storage engine, the index they make, leases,\n"
        "users and roles, members, alarms, every frame of the log, and that all of it is of one "
        "member.\n"
        "Changes nothing; the bytes of an unfinished last write are counted and fine.",
    .options = kOptions,
    .run = run_verify,
};

}  // namespace quorate::util
