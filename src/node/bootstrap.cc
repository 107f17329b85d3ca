// SPDX-License-Identifier: Apache-2.0
#include "node/bootstrap.h"

#include "base/errors.h"
#include "base/log.h"
#include "node/conf_change.h"
#include "node/snapshot_boot.h"
#include "node/state_hash.h"
#include "storage/engine_file.h"
#include "storage/open_engine.h"
#include "storage/schema.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

namespace quorate::node {
namespace {

constexpr size_t kFenceBytesMax = 64 * 1024;

struct EngineState {
    bool fresh = true;
    bool restoring = false;  // left in the middle by a restore
    // Restored from a snapshot, and no log was begun since: nothing tells an applied index.
    bool restored = false;
    raft::EntryId applied;
};

Result<EngineState> read_engine_state(storage::View& view, const Identity& identity,
                                      const DataPaths& paths) {
    EngineState state;
    const auto restoring = view.get(storage::kRestoringKey);
    if (!restoring) {
        return restoring.error();
    }
    state.restoring = restoring->has_value();
    const auto format = view.get(storage::kFormatVersionKey);
    if (!format) {
        return format.error();
    }
    if (!format->has_value()) {
        return state;
    }
    state.fresh = false;
    const auto version = storage::decode_u64(**format);
    if (!version || *version > storage::kFormatVersion) {
        return Status(errors::kNewerFormat,
                      paths.engine_dir + " has format " +
                          (version ? std::to_string(*version) : std::string("unknown")) +
                          ", this version reads up to " + std::to_string(storage::kFormatVersion) +
                          "; start it with the version that wrote it");
    }
    const auto stored = view.get(storage::kIdentityKey);
    if (!stored) {
        return stored.error();
    }
    const auto ids = stored->has_value() ? storage::decode_u64_pair(**stored) : std::nullopt;
    if (!ids || ids->first != identity.cluster_id || ids->second != identity.member_id) {
        const std::string found = ids ? "cluster " + cluster::format_id(ids->first) + ", member " +
                                            cluster::format_id(ids->second)
                                      : std::string("nobody");
        return Status(errors::kForeignData,
                      paths.engine_dir + " belongs to " + found + ", this is cluster " +
                          cluster::format_id(identity.cluster_id) + ", member " +
                          cluster::format_id(identity.member_id) +
                          "; use another --data-dir, or the --initial-cluster-token and "
                          "--initial-advertise-peer-urls it was made with");
    }
    const auto applied = view.get(storage::kAppliedKey);
    if (!applied) {
        return applied.error();
    }
    state.restored = !applied->has_value();
    if (applied->has_value()) {
        const auto pair = storage::decode_u64_pair(**applied);
        if (!pair) {
            return Status(errors::kDamaged, paths.engine_dir + ": the applied index is unreadable");
        }
        state.applied = {.term = pair->second, .index = pair->first};
    }
    return state;
}

// Every founder begins behind the same entry, so whoever joins later gets a snapshot of all this.
Status write_first_rows(storage::Backend& backend, const Identity& identity,
                        const raft::EntryId& start, cluster::Membership& membership) {
    storage::WriteBatch batch;
    if (identity.origin == Origin::kFounder) {
        membership.reset(identity.members, batch);
    }
    batch.put(storage::kAppliedKey, storage::encode_u64_pair({start.index, start.term}));
    batch.put(storage::kFormatVersionKey, storage::encode_u64(storage::kFormatVersion));
    batch.put(storage::kIdentityKey,
              storage::encode_u64_pair({identity.cluster_id, identity.member_id}));
    return backend.write(batch, storage::Durability::kSynced);
}

// The log is there: from now on the engine goes with it.
Status write_first_applied(storage::Backend& backend, const raft::EntryId& start) {
    storage::WriteBatch batch;
    batch.put(storage::kAppliedKey, storage::encode_u64_pair({start.index, start.term}));
    return backend.write(batch, storage::Durability::kSynced);
}

raft::Restored first_state(const Identity& identity) {
    if (identity.origin == Origin::kJoined) {
        return {};
    }
    return raft::new_cluster(configuration_of({identity.members, {}, {}}));
}

struct Log {
    std::unique_ptr<wal::Wal> wal;
    wal::Recovered recovered;
};

Result<Log> open_log(FileSystem& fs, const DataPaths& paths, const Identity& identity,
                     const EngineState& engine, const wal::Options& options) {
    const wal::Identity wal_identity{identity.cluster_id, identity.member_id};
    const auto exists = wal::Wal::exists(fs, paths.wal_dir);
    if (!exists) {
        return exists.error();
    }
    if (!*exists) {
        if (!engine.fresh && engine.applied.index > 0) {
            return Status(errors::kDamaged,
                          "there is no log in " + paths.wal_dir + ", but " + paths.engine_dir +
                              " has applied index " + std::to_string(engine.applied.index) +
                              "; put the log back, or restore this member from a snapshot into an "
                              "empty --data-dir");
        }
        const raft::Restored start = first_state(identity);
        wal::Batch first;
        first.hard_state = start.hard_state;
        first.mark = wal::Mark{start.log_start, start.configuration};
        auto wal = wal::Wal::create(fs, paths.wal_dir, wal_identity, first, options);
        if (!wal) {
            return wal.error();
        }
        wal::Recovered recovered;
        recovered.hard_state = start.hard_state;
        recovered.mark = *first.mark;
        recovered.start = start.log_start;
        return Log{std::move(wal).value(), std::move(recovered)};
    }
    auto opened = wal::Wal::open(fs, paths.wal_dir, wal_identity, options);
    if (!opened) {
        return opened.error();
    }
    return Log{std::move(opened->wal), std::move(opened->recovered)};
}

// The log must reach from what the engine holds to its own end.
Status check_they_fit(const wal::Recovered& log, const EngineState& engine,
                      const DataPaths& paths) {
    if (engine.applied.index < log.start.index) {
        return {errors::kDamaged, paths.engine_dir + " has applied index " +
                                      std::to_string(engine.applied.index) + ", but the log in " +
                                      paths.wal_dir + " begins behind index " +
                                      std::to_string(log.start.index) +
                                      ": the engine's files are older than the log; restore this "
                                      "member from a snapshot into an empty --data-dir"};
    }
    if (engine.applied.index > log.last().index) {
        return {errors::kDamaged, "the log in " + paths.wal_dir + " ends at index " +
                                      std::to_string(log.last().index) + ", but " +
                                      paths.engine_dir + " has applied index " +
                                      std::to_string(engine.applied.index) +
                                      ": the log is older than the engine's files; put the newest "
                                      "log back, or restore from a snapshot"};
    }
    return {};
}

raft::Restored restored_from(wal::Recovered&& log, const raft::EntryId& applied,
                             const cluster::List& members) {
    raft::Restored restored;
    restored.hard_state = log.hard_state;
    // What the engine holds is committed, whatever the last hint said.
    restored.hard_state.commit = std::max(log.hard_state.commit, applied.index);
    restored.log_start = log.start;
    restored.entries = std::move(log.entries);
    // Not the mark's: entries between it and here may have changed the members.
    restored.configuration = configuration_of(members);
    restored.applied = applied.index;
    return restored;
}

}  // namespace

DataPaths data_paths(const config::Config& config) {
    const std::string member = config.member.data_dir + "/member";
    return {config.member.data_dir,
            config.member.wal_dir.empty() ? member + "/wal" : config.member.wal_dir,
            member + "/" + config.plugins.storage.name,
            member + "/identity",
            member + "/snapshot",
            member + "/fenced",
            config.member.data_dir + "/fixtures"};
}

namespace {

// The chosen engine has nothing here, and another one has: taking the empty one would forget what
// the log holds no more, and all there is when the folder comes from a restore.
Status refuse_other_engine(FileSystem& fs, const DataPaths& paths) {
    const std::filesystem::path chosen(paths.engine_dir);
    const auto engines = storage::engines_in(fs, chosen.parent_path());
    if (!engines) {
        return engines.error();
    }
    const std::string name = chosen.filename();
    if (engines->empty() || std::find(engines->begin(), engines->end(), name) != engines->end()) {
        return {};
    }
    const std::string& there = engines->front();
    std::string text = paths.data_dir + " holds the data of storage engine " + there +
                       " and none of " + name + "; use storage = " + there;
    if (name != storage::kMemoryEngine) {
        text += ", or move them: quorate util migrate --data-dir " + paths.data_dir +
                " --to-storage " + name;
    }
    return {errors::kPlugin, std::move(text)};
}

}  // namespace

Status prepare_data_dir(FileSystem& fs, const DataPaths& paths) {
    const std::string etcd_file = paths.data_dir + "/member/snap/db";
    const auto from_etcd = fs.exists(etcd_file);
    if (!from_etcd) {
        return from_etcd.error();
    }
    if (*from_etcd) {
        return {errors::kForeignData, etcd_file +
                                          " was written by etcd, whose files this server does not "
                                          "use in place; choose another --data-dir"};
    }
    const auto fenced = fs.exists(paths.fence_file);
    if (!fenced) {
        return fenced.error();
    }
    if (*fenced) {
        const auto why = read_whole_file(fs, paths.fence_file, kFenceBytesMax);
        return {errors::kDamaged, why ? *why : paths.fence_file};
    }
    if (Status s = refuse_other_engine(fs, paths); !s.ok()) {
        return s;
    }
    if (Status s = fs.create_dirs(paths.wal_dir); !s.ok()) {
        return s;
    }
    return fs.create_dirs(paths.engine_dir);
}

namespace {

// Everything but the log, from an engine that is complete.
Status restore_state(storage::Backend& backend, const BootOptions& options, Booted& booted) {
    auto store = mvcc::Store::open(backend, options.store);
    if (!store) {
        return store.error();
    }
    booted.store = std::move(store).value();
    booted.lessor = std::make_unique<lease::Lessor>(options.lessor);
    auto view = backend.view();
    if (!view) {
        return view.error();
    }
    if (Status s = booted.lessor->restore(**view); !s.ok()) {
        return s;
    }
    Status attached;
    booted.store->visit_leased([&](ByteView key, int64_t lease) {
        if (Status s = booted.lessor->attach(lease, key); !s.ok() && attached.ok()) {
            attached = Status(errors::kDamaged, "key \"" + Bytes(key) + "\" hangs on lease " +
                                                    std::to_string(lease) +
                                                    ", which is not in the lease table");
        }
    });
    if (!attached.ok()) {
        return attached;
    }
    if (Status s = booted.alarms.restore(**view); !s.ok()) {
        return s;
    }
    if (Status s = booted.auth.restore(**view); !s.ok()) {
        return s;
    }
    const auto hash = StateHash::restore(**view);
    if (!hash) {
        return hash.error();
    }
    booted.state_hash = *hash;
    return booted.membership.restore(**view);
}

// The other members are gone for good: this one goes on alone with all its log holds, in which
// changes of members no longer count.
Status keep_alone(storage::Backend& backend, const Identity& identity, uint64_t last_index,
                  cluster::Membership& membership) {
    const cluster::Member* known = membership.list().find(identity.member_id);
    cluster::Member self = known != nullptr ? *known : cluster::Member();
    self.id = identity.member_id;
    self.is_learner = false;
    storage::WriteBatch batch;
    membership.reset({self}, batch);
    membership.ignore_changes_until(last_index, batch);
    log::warn("forced to go on alone: the members before are forgotten",
              {{"member-id", cluster::format_id(self.id)}, {"index", last_index}});
    return backend.write(batch, storage::Durability::kSynced);
}

}  // namespace

namespace {

// A log that begins behind what the engine holds comes from a snapshot that a peer has sent.
Status take_over_snapshot(FileSystem& fs, const DataPaths& paths, const Identity& identity,
                          const raft::EntryId& mark, storage::Backend& backend,
                          EngineState& engine) {
    if (engine.applied.index < mark.index) {
        const auto filled = fill_from_snapshot(fs, paths, identity, mark, backend);
        if (!filled) {
            return filled.error();
        }
        engine = EngineState{.fresh = false, .applied = *filled};
    }
    if (engine.restoring) {
        return {errors::kDamaged, paths.engine_dir +
                                      " is left from a restore that did not end; remove " +
                                      paths.data_dir + " and restore again"};
    }
    return {};
}

}  // namespace

Result<Booted> boot(FileSystem& fs, const DataPaths& paths, const Identity& identity,
                    storage::Backend& backend, const BootOptions& options) {
    Booted booted;
    booted.identity = identity;
    auto view = backend.view();
    if (!view) {
        return view.error();
    }
    auto engine = read_engine_state(**view, identity, paths);
    view->reset();
    if (!engine) {
        return engine.error();
    }
    auto log = open_log(fs, paths, identity, *engine, options.wal);
    if (!log) {
        return log.error();
    }
    if (engine->fresh || engine->restored) {
        engine->applied = first_state(identity).log_start;
    }
    const raft::EntryId mark = log->recovered.mark.id;
    if (Status s = take_over_snapshot(fs, paths, identity, mark, backend, *engine); !s.ok()) {
        return s;
    }
    if (Status s = remove_old_snapshots(fs, paths, options.engine_is_durable ? 0 : mark.index);
        !s.ok()) {
        return s;
    }
    if (Status s = check_they_fit(log->recovered, *engine, paths); !s.ok()) {
        return s;
    }
    if (log->recovered.torn_bytes > 0) {
        log::warn("dropped the unfinished last write of the log",
                  {{"path", paths.wal_dir}, {"bytes", log->recovered.torn_bytes}});
    }
    if (engine->fresh) {
        if (Status s = write_first_rows(backend, identity, engine->applied, booted.membership);
            !s.ok()) {
            return s;
        }
    } else if (engine->restored) {
        if (Status s = write_first_applied(backend, engine->applied); !s.ok()) {
            return s;
        }
    }
    if (Status s = restore_state(backend, options, booted); !s.ok()) {
        return s;
    }
    if (booted.membership.list().removed.contains(identity.member_id)) {
        return Status(errors::kForeignData,
                      "this member (" + cluster::format_id(identity.member_id) +
                          ") has been permanently removed from the cluster; remove " +
                          paths.data_dir + " and add it again with \"etcdctl member add\"");
    }
    if (options.force_new_cluster) {
        if (Status s =
                keep_alone(backend, identity, log->recovered.last().index, booted.membership);
            !s.ok()) {
            return s;
        }
    }
    booted.applied = engine->applied;
    booted.wal = std::move(log->wal);
    booted.restored =
        restored_from(std::move(log->recovered), booted.applied, booted.membership.list());
    return booted;
}

}  // namespace quorate::node
