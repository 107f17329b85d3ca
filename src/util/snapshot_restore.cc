// SPDX-License-Identifier: Apache-2.0
//
// Restores in <data-dir>/member.part, which takes its own name when all is on the disk: until then
// there is no member, and what fails leaves nothing behind.
#include "base/errors.h"
#include "base/file.h"
#include "cluster/member.h"
#include "cluster/membership.h"
#include "node/bootstrap.h"
#include "node/identity.h"
#include "snapshot/reader.h"
#include "snapshot/restore.h"
#include "storage/schema.h"
#include "util/commands.h"
#include "util/data_dir.h"
#include "util/report.h"
#include "wal/wal.h"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

namespace quorate::util {
namespace {

constexpr std::string_view kPart = "member.part";

constexpr OptionSpec kRestoreSpecs[] = {
    {"name", "NAME", "name of this member (default \"default\")"},
    {"initial-cluster", "NAME=URL,...", "all members of the new cluster and their peer URLs"},
    {"initial-cluster-token", "TOKEN", "token of the new cluster (default \"etcd-cluster\")"},
    {"initial-advertise-peer-urls", "URL,...", "peer URLs of this member"},
    {"bump-revision", "N", "raise the newest revision by N; needs --mark-compacted"},
    {"mark-compacted", "", "count all up to the newest revision as compacted"},
    {"skip-hash-check", "", "take a file without SHA-256, as a db file of etcd's is"},
    {"initial-memory-map-size", "BYTES", "no effect; etcdutl has it"},
};

struct Target {
    std::string data_dir;
    std::string part;
    bool created = false;  // the data directory; else it was there, and empty
};

Result<Target> prepare_target(FileSystem& fs, const node::DataPaths& paths) {
    Target target{.data_dir = paths.data_dir, .part = paths.data_dir + "/" + std::string(kPart)};
    const auto log_exists = fs.exists(paths.wal_dir);
    if (!log_exists) {
        return log_exists.error();
    }
    if (*log_exists) {
        const auto log = wal::Wal::exists(fs, paths.wal_dir);
        if (!log) {
            return log.error();
        }
        if (*log) {
            return Status(errors::kConfig, paths.wal_dir +
                                               " holds a log already; give a --wal-dir and a "
                                               "--data-dir that are empty or not there");
        }
    }
    const auto exists = fs.exists(paths.data_dir);
    if (!exists) {
        return exists.error();
    }
    target.created = !*exists;
    if (*exists) {
        const auto names = fs.list(paths.data_dir);
        if (!names) {
            return names.error();
        }
        for (const std::string& name : *names) {
            if (name != kPart && name != "lost+found") {
                return Status(errors::kConfig, paths.data_dir + " holds \"" + name +
                                                   "\"; give a --data-dir that is empty or not "
                                                   "there");
            }
        }
    }
    std::error_code error;
    std::filesystem::remove_all(target.part, error);  // of a restore that was cut off
    if (error) {
        return Status(errors::kIo, target.part + ": " + error.message());
    }
    if (Status s = fs.create_dirs(target.part); !s.ok()) {
        return s;
    }
    return target;
}

void remove_target(const Target& target) {
    std::error_code ignored;
    std::filesystem::remove_all(target.part, ignored);
    if (target.created) {
        std::filesystem::remove(target.data_dir, ignored);
    }
}

Result<snapshot::RestoreReport> fill(FileSystem& fs, snapshot::Reader& reader,
                                     const config::Config& config,
                                     snapshot::RestoreOptions&& options,
                                     const node::Identity& identity, const Target& target) {
    Engines engines(config);
    const std::string& name = config.plugins.storage.name;
    auto engine = engines.open(name, target.part + "/" + name);
    if (!engine) {
        return engine.error();
    }
    options.membership = snapshot::Membership::kDrop;
    options.last_rows.put(storage::kIdentityKey,
                          storage::encode_u64_pair({identity.cluster_id, identity.member_id}));
    cluster::Membership().reset(identity.members, options.last_rows);
    auto report = snapshot::restore(reader, **engine, options);
    engine->reset();
    if (!report) {
        return report.error();
    }
    if (Status s = node::save_identity(fs, target.part + "/identity", identity); !s.ok()) {
        return s;
    }
    if (Status s = fs.rename(target.part, target.data_dir + "/member"); !s.ok()) {
        return s;
    }
    if (Status s = fs.sync_dir(target.data_dir); !s.ok()) {
        return s;
    }
    return report;
}

Result<snapshot::RestoreOptions> restore_options(const Invocation& invocation) {
    const auto bump = invocation.number("bump-revision", 0);
    if (!bump) {
        return bump.error();
    }
    snapshot::RestoreOptions options;
    options.bump_revision = *bump;
    options.mark_compacted = invocation.on("mark-compacted");
    if ((options.bump_revision > 0) != options.mark_compacted) {
        return Status(errors::kUsage,
                      "--bump-revision (above 0) and --mark-compacted go together: give both or "
                      "none");
    }
    return options;
}

void report_restore(Format format, const snapshot::RestoreReport& report,
                    const config::Config& config, const node::Identity& identity) {
    if (format == Format::kSimple) {
        std::printf(
            "restored revision %lld with %llu records and %llu leases for member %s of "
            "cluster %s in %s\n",
            static_cast<long long>(report.revision),
            static_cast<unsigned long long>(report.records),
            static_cast<unsigned long long>(report.leases),
            cluster::format_id(identity.member_id).c_str(),
            cluster::format_id(identity.cluster_id).c_str(), config.member.data_dir.c_str());
        return;
    }
    const auto text = [](std::string_view title, std::string_view label, std::string_view key,
                         std::string value) {
        return ReportItem{title, label, key, std::move(value), {}, true};
    };
    print(format,
          {text("data dir", "DataDir", "dataDir", config.member.data_dir),
           text("storage", "Storage", "storage", config.plugins.storage.name),
           text("cluster id", "ClusterID", "clusterId", cluster::format_id(identity.cluster_id)),
           text("member id", "MemberID", "memberId", cluster::format_id(identity.member_id)),
           {"revision", "Revision", "revision", std::to_string(report.revision)},
           {"compact revision", "CompactRevision", "compactRevision",
            std::to_string(report.compact_revision)},
           {"records", "Records", "records", std::to_string(report.records)},
           {"leases", "Leases", "leases", std::to_string(report.leases)},
           {"users", "Users", "users", std::to_string(report.users)}});
}

Status run_restore(const Invocation& invocation) {
    const auto format = format_of(invocation);
    if (!format) {
        return format.error();
    }
    auto options = restore_options(invocation);
    if (!options) {
        return options.error();
    }
    const auto config = load_config(invocation);
    if (!config) {
        return config.error();
    }
    const auto identity = node::derive_identity(*config);
    if (!identity) {
        return identity.error();
    }
    const auto fs = make_posix_file_system();
    auto reader =
        snapshot::Reader::open(*fs, invocation.operands[0],
                               invocation.on("skip-hash-check") ? snapshot::HashCheck::kSkipped
                                                                : snapshot::HashCheck::kRequired);
    if (!reader) {
        return reader.error();
    }
    const auto target = prepare_target(*fs, node::data_paths(*config));
    if (!target) {
        return target.error();
    }
    const auto report = fill(*fs, **reader, *config, std::move(*options), *identity, *target);
    if (!report) {
        remove_target(*target);
        return report.error();
    }
    report_restore(*format, *report, *config, *identity);
    return {};
}

const std::span<const OptionSpec> kOptions[] = {kRestoreSpecs, kDataOptions, kCommonOptions};

}  // namespace

const Command kSnapshotRestore = {
    .name = "snapshot restore",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "Makes a data directory of a snapshot file, for a member of a new cluster.",
    .details =
        "FILE is what \"etcdctl snapshot save\" wrote, from Quorate or etcd 3.4 to 3.7. Keys,\n"
        "revisions, leases, users and roles are restored, and authentication is on if it was;\n"
        "members are those of --initial-cluster. For a cluster of several, restore the same file "
        "once for each, with\n"
        "the --name and --initial-advertise-peer-urls of each and everything else the same, and\n"
        "start each server with the same options. --data-dir (default NAME.etcd) must be empty\n"
        "or not there; when restoring fails it is as it was.\n\n"
        "Clients that keep revisions (watchers, caches) want --bump-revision 1000000000\n"
        "--mark-compacted: they then see that time has gone back, and read anew.\n\n"
        "  quorate util snapshot restore backup.db --name m1 --data-dir /var/lib/quorate \\\n"
        "      --initial-cluster m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380 \\\n"
        "      --initial-advertise-peer-urls http://10.0.0.1:2380",
    .options = kOptions,
    .run = run_restore,
};

}  // namespace quorate::util
