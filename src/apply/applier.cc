// SPDX-License-Identifier: Apache-2.0
#include "apply/applier.h"

#include "apply/auth_ops.h"
#include "apply/authorize.h"
#include "apply/gates.h"
#include "apply/kv_ops.h"
#include "base/errors.h"
#include "base/log.h"
#include "cluster/member.h"
#include "cluster/version.h"
#include "wire/member_change.h"
#include "wire/responses.h"

#include <google/protobuf/arena.h>

#include <array>

namespace quorate::apply {

struct Applier::Counters {
    explicit Counters(metrics::Registry& registry)
        : puts(
              registry.counter("etcd_mvcc_put_total", "Total number of puts seen by this member.")),
          put_bytes(registry.gauge("etcd_debugging_mvcc_total_put_size_in_bytes",
                                   "The total size of put kv pairs seen by this member.")),
          ranges(registry.counter("etcd_mvcc_range_total",
                                  "Total number of ranges seen by this member.")),
          deletes(registry.counter("etcd_mvcc_delete_total",
                                   "Total number of deletes seen by this member.")),
          txns(
              registry.counter("etcd_mvcc_txn_total", "Total number of txns seen by this member.")),
          leases_granted(registry.counter("etcd_debugging_lease_granted_total",
                                          "The total number of granted leases.")),
          leases_revoked(registry.counter("etcd_debugging_lease_revoked_total",
                                          "The total number of revoked leases.")),
          leases_expired(registry.counter("etcd_debugging_server_lease_expired_total",
                                          "The total number of expired leases.")),
          lease_ttl(registry.histogram("etcd_debugging_lease_ttl_total",
                                       "Bucketed histogram of lease TTLs.", {1, 2, 24})) {}

    metrics::Counter& puts;
    metrics::Gauge& put_bytes;
    metrics::Counter& ranges;
    metrics::Counter& deletes;
    metrics::Counter& txns;
    metrics::Counter& leases_granted;
    metrics::Counter& leases_revoked;
    metrics::Counter& leases_expired;
    metrics::Histogram& lease_ttl;
};

Applier::Applier(HeaderIdentity identity, metrics::Registry& metrics)
    : identity_(identity), metrics_(metrics), counters_(std::make_unique<Counters>(metrics)) {}
Applier::~Applier() = default;

Bytes Applier::header(int64_t revision) const {
    return wire::encode_header({identity_.cluster_id, identity_.member_id, revision, raft_term_});
}

Outcome Applier::apply(State& state, const raft::Entry& entry, uint64_t raft_term) {
    raft_term_ = raft_term;
    index_ = entry.id.index;
    operation_ = wire::Command::REQUEST_NOT_SET;
    if (entry.data().empty()) {
        return {};  // a new leader's first entry
    }
    // The arena's first block is reused from entry to entry, so a usual request allocates nothing.
    alignas(8) std::array<char, 4096> block;
    google::protobuf::ArenaOptions options;
    options.initial_block = block.data();
    options.initial_block_size = block.size();
    google::protobuf::Arena arena(options);
    auto* command = google::protobuf::Arena::CreateMessage<wire::Command>(&arena);
    const ByteView data = entry.data();
    if (!command->ParseFromArray(data.data(), static_cast<int>(data.size()))) {
        // Every member sees the same bytes, so all refuse it alike.
        log::error("log entry can't be decoded",
                   {{"index", entry.id.index}, {"term", entry.id.term}});
        return {{errors::kInternal, "log entry can't be decoded"}, {}, false};
    }
    operation_ = command->request_case();
    if (Status gate = check_alarms(state.alarms, *command); !gate.ok()) {
        return {std::move(gate), {}, false};
    }
    // What a member asks for by itself is nobody's to permit.
    if (state.auth.enabled() && !command->by_member()) {
        Status permitted =
            authorize(state.auth.rules(), {command->user(), command->auth_revision()},
                      needs_of(*command), &state.lessor);
        if (!permitted.ok()) {
            return {std::move(permitted), {}, false};
        }
    }
    return run(state, *command);
}

Outcome Applier::run(State& state, const wire::Command& command) {
    if (is_auth_command(command)) {
        return auth(state, command);
    }
    switch (command.request_case()) {
        case wire::Command::kPut:
            return put(state, command.put());
        case wire::Command::kDeleteRange:
            return delete_range(state, command.delete_range());
        case wire::Command::kTxn:
            return txn(state, command.txn());
        case wire::Command::kCompaction:
            return compact(state, command.compaction());
        case wire::Command::kLeaseGrant:
            return lease_grant(state, command.lease_grant());
        case wire::Command::kLeaseRevoke:
            return lease_revoke(state, command.lease_revoke());
        case wire::Command::kLeaseCheckpoint:
            return lease_checkpoint(state, command.lease_checkpoint());
        case wire::Command::kAlarm:
            return alarm(state, command.alarm());
        case wire::Command::kExpiredLeases:
            return expired_leases(state, command.expired_leases());
        case wire::Command::kMemberChange:
            return member_change(state, command.member_change());
        case wire::Command::kMemberAttributes:
            return member_attributes(state, command.member_attributes());
        case wire::Command::kClusterVersion:
            return cluster_version(state, command.cluster_version());
        case wire::Command::kDowngrade:
            return downgrade(state, command.downgrade());
        case wire::Command::kAuthEnable:
        case wire::Command::kAuthDisable:
        case wire::Command::kAuthToken:
        case wire::Command::kAuthUserAdd:
        case wire::Command::kAuthUserDelete:
        case wire::Command::kAuthPassword:
        case wire::Command::kAuthUserGrantRole:
        case wire::Command::kAuthUserRevokeRole:
        case wire::Command::kAuthRoleAdd:
        case wire::Command::kAuthRoleDelete:
        case wire::Command::kAuthRoleGrantPermission:
        case wire::Command::kAuthRoleRevokePermission:
        case wire::Command::REQUEST_NOT_SET:
            break;
    }
    return {{errors::kUnknown, "etcdserver: unknown method"}, {}, false};
}

Outcome Applier::put(State& state, const etcdserverpb::PutRequest& request) {
    mvcc::WriteTxn txn = state.store.begin(state.batch);
    const auto done = apply::put(state, txn, request);
    if (!done) {
        return {done.error(), {}, false};
    }
    counters_->puts.add();
    counters_->put_bytes.add(static_cast<int64_t>(done->bytes));
    const int64_t revision = txn.commit();
    return {{}, wire::encode_put_response(header(revision), done->previous), false};
}

Outcome Applier::delete_range(State& state, const etcdserverpb::DeleteRangeRequest& request) {
    mvcc::WriteTxn txn = state.store.begin(state.batch);
    const auto done = apply::delete_range(state, txn, request);
    if (!done) {
        return {done.error(), {}, false};
    }
    counters_->deletes.add(static_cast<uint64_t>(done->deleted));
    const int64_t revision = txn.commit();
    return {{},
            wire::encode_delete_range_response(header(revision), done->deleted, done->previous),
            false};
}

Outcome Applier::txn(State& state, const etcdserverpb::TxnRequest& request) {
    mvcc::WriteTxn txn = state.store.begin(state.batch);
    const auto done = run_txn(state, txn, request);
    if (!done) {
        return {done.error(), {}, false};
    }
    const OperationCounts& counts = done->counts;
    counters_->puts.add(counts.puts);
    counters_->put_bytes.add(static_cast<int64_t>(counts.put_bytes));
    counters_->ranges.add(counts.ranges);
    counters_->deletes.add(counts.deletes);
    if (counts.puts + counts.deletes + counts.ranges > 1) {
        counters_->txns.add();
    }
    const int64_t revision = txn.commit();
    return {
        {}, wire::encode_txn_response(header(revision), done->succeeded, done->operations), false};
}

Outcome Applier::read_only_txn(State& state, const etcdserverpb::TxnRequest& request,
                               const auth::Caller& caller, uint64_t raft_term) {
    if (Status s = authorize(state.auth.rules(), caller, needs_of(request), nullptr); !s.ok()) {
        return {std::move(s), {}, false};
    }
    raft_term_ = raft_term;
    return txn(state, request);
}

Outcome Applier::compact(State& state, const etcdserverpb::CompactionRequest& request) {
    if (Status s = state.store.compact(request.revision(), state.batch); !s.ok()) {
        return {std::move(s), {}, false};
    }
    Bytes response;
    wire::append_message(response, 1, header(state.store.current_revision()));
    return {{}, std::move(response), request.physical()};
}

Outcome Applier::lease_grant(State& state, const etcdserverpb::LeaseGrantRequest& request) {
    const auto ttl = state.lessor.grant(state.batch, {request.id(), request.ttl()}, state.now_ms);
    if (!ttl) {
        return {ttl.error(), {}, false};
    }
    counters_->leases_granted.add();
    counters_->lease_ttl.observe(static_cast<double>(*ttl));
    Bytes response;
    wire::append_message(response, 1, header(state.store.current_revision()));
    wire::append_int(response, 2, request.id());
    wire::append_int(response, 3, *ttl);
    return {{}, std::move(response), false};
}

Status Applier::revoke(State& state, int64_t lease) {
    const auto keys = state.lessor.revoke(state.batch, lease);
    if (!keys) {
        return keys.error();
    }
    mvcc::WriteTxn txn = state.store.begin(state.batch);
    for (const Bytes& key : *keys) {
        delete_revoked(txn, key);
    }
    counters_->deletes.add(keys->size());
    counters_->leases_revoked.add();
    txn.commit();
    return {};
}

Outcome Applier::lease_revoke(State& state, const etcdserverpb::LeaseRevokeRequest& request) {
    if (Status s = revoke(state, request.id()); !s.ok()) {
        return {std::move(s), {}, false};
    }
    Bytes response;
    wire::append_message(response, 1, header(state.store.current_revision()));
    return {{}, std::move(response), false};
}

Outcome Applier::expired_leases(State& state, const wire::ExpiredLeases& request) {
    for (const int64_t lease : request.ids()) {
        // Revoked by a client since the leader looked: nothing is left to do.
        if (revoke(state, lease).ok()) {
            counters_->leases_expired.add();
        }
    }
    return {};
}

Outcome Applier::lease_checkpoint(State& state,
                                  const etcdserverpb::LeaseCheckpointRequest& request) {
    std::vector<lease::Checkpoint> checkpoints;
    for (const auto& checkpoint : request.checkpoints()) {
        checkpoints.push_back({checkpoint.id(), checkpoint.remaining_ttl()});
    }
    state.lessor.checkpoint(state.batch, checkpoints, state.now_ms);
    return {};
}

Outcome Applier::alarm(State& state, const etcdserverpb::AlarmRequest& request) {
    const Alarm alarm{request.memberid(), static_cast<AlarmType>(request.alarm())};
    std::vector<Alarm> touched;
    switch (request.action()) {
        case etcdserverpb::AlarmRequest::GET:
            touched = state.alarms.list(alarm.type);
            break;
        case etcdserverpb::AlarmRequest::ACTIVATE:
            if (alarm.type != AlarmType::kNone) {
                touched.push_back(alarm);
                if (state.alarms.activate(alarm, state.batch)) {
                    show_alarm(alarm, true);
                    log::warn("alarm raised",
                              {{"member-id", cluster::format_id(alarm.member_id)},
                               {"alarm", etcdserverpb::AlarmType_Name(request.alarm())}});
                }
            }
            break;
        case etcdserverpb::AlarmRequest::DEACTIVATE:
            if (state.alarms.deactivate(alarm, state.batch)) {
                touched.push_back(alarm);
                show_alarm(alarm, false);
                log::info("alarm disarmed",
                          {{"member-id", cluster::format_id(alarm.member_id)},
                           {"alarm", etcdserverpb::AlarmType_Name(request.alarm())}});
            }
            break;
        case etcdserverpb::
            AlarmRequest_AlarmAction_AlarmRequest_AlarmAction_INT_MIN_SENTINEL_DO_NOT_USE_:
        case etcdserverpb::
            AlarmRequest_AlarmAction_AlarmRequest_AlarmAction_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    etcdserverpb::AlarmResponse response;
    for (const Alarm& found : touched) {
        auto* member = response.add_alarms();
        member->set_memberid(found.member_id);
        member->set_alarm(static_cast<etcdserverpb::AlarmType>(found.type));
    }
    Bytes encoded;
    wire::append_message(encoded, 1, header(state.store.current_revision()));
    response.AppendToString(&encoded);
    return {{}, std::move(encoded), false};
}

void Applier::show_alarms(const AlarmStore& alarms) {
    for (const Alarm& alarm : alarms.list(AlarmType::kNone)) {
        show_alarm(alarm, true);
    }
}

void Applier::show_alarm(const Alarm& alarm, bool raised) {
    metrics_
        .gauge("etcd_debugging_server_alarms",
               "Alarms for every member in cluster. 1 for 'server_id' label with current ID. 2 for "
               "'alarm_type' label with type of this alarm",
               {{"alarm_type",
                 etcdserverpb::AlarmType_Name(static_cast<etcdserverpb::AlarmType>(alarm.type))},
                {"server_id", cluster::format_id(alarm.member_id)}})
        .set(raised ? 1 : 0);
}

// MemberAdd, MemberRemove, MemberUpdate and MemberPromote answer with the members as they are now;
// only the first has the new one besides. The header of this service carries no revision.
Outcome Applier::member_change(State& state, const wire::MemberChange& request) {
    auto change = wire::from_proto(request);
    if (!change) {
        return {{errors::kUnknown, "etcdserver: unknown method"}, {}, false};
    }
    if (index_ <= state.membership.changes_ignored_until()) {
        return {errors::kUnhealthy, {}, false};
    }
    if (Status s = state.membership.check(*change); !s.ok()) {
        return {std::move(s), {}, false};
    }
    state.membership.apply(*change, state.batch);
    log::info("members changed", {{"change", wire::MemberChange::Kind_Name(request.kind())},
                                  {"member-id", cluster::format_id(change->member.id)},
                                  {"members", state.membership.list().members.size()}});
    const auto append_member = [](Bytes& out, uint32_t field, const cluster::Member& member) {
        etcdserverpb::Member encoded;
        wire::to_proto(member, encoded);
        wire::append_message(out, field, encoded.SerializeAsString());
    };
    const bool adds = change->kind == cluster::ChangeKind::kAdd ||
                      change->kind == cluster::ChangeKind::kAddLearner;
    Bytes response;
    wire::append_message(response, 1, header(0));
    if (adds) {
        append_member(response, 2, *state.membership.list().find(change->member.id));
    }
    for (const cluster::Member& member : state.membership.list().members) {
        append_member(response, adds ? 3 : 2, member);
    }
    return {{}, std::move(response), false, std::move(change)};
}

Outcome Applier::cluster_version(State& state, const wire::ClusterVersion& request) {
    const std::string from = state.membership.list().cluster_version;
    if (state.membership.set_cluster_version(request.version(), state.batch)) {
        log::info(from.empty() ? "set initial cluster version" : "updated cluster version",
                  {{"cluster-id", cluster::format_id(identity_.cluster_id)},
                   {"local-member-id", cluster::format_id(identity_.member_id)},
                   {"from", from},
                   {"cluster-version", request.version()}});
    }
    return {};
}

// Two who asked at the same time must not both be told that theirs has begun.
Outcome Applier::downgrade(State& state, const wire::Downgrade& request) {
    const cluster::List& list = state.membership.list();
    if (request.enabled() && !list.downgrade_target.empty()) {
        return {errors::kDowngradeInProcess, {}, false};
    }
    if (request.enabled() || !list.downgrade_target.empty()) {
        log::warn(request.enabled() ? "the downgrade has begun" : "the downgrade has ended",
                  {{"target-version",
                    request.enabled() ? request.target_version() : list.downgrade_target},
                   {"cluster-version", list.cluster_version}});
        state.membership.set_downgrade(request.enabled() ? request.target_version() : "",
                                       state.batch);
    }
    Bytes response;
    wire::append_message(response, 1, header(state.store.current_revision()));
    const auto version = cluster::parse_version(state.membership.list().cluster_version);
    wire::append_bytes(response, 2, version ? cluster::short_text(*version) : "");
    return {{}, std::move(response), false};
}

Outcome Applier::auth(State& state, const wire::Command& command) {
    const auto rest = run_auth(state, command);
    if (!rest) {
        return {rest.error(), {}, false};
    }
    Bytes response;
    wire::append_message(response, 1, header(state.store.current_revision()));
    response += *rest;
    return {{}, std::move(response), false};
}

Outcome Applier::member_attributes(State& state, const wire::MemberAttributes& request) {
    cluster::Member member;
    member.id = request.member_id();
    member.name = request.name();
    member.client_urls.assign(request.client_urls().begin(), request.client_urls().end());
    member.server_version = request.server_version();
    if (state.membership.publish(member, state.batch)) {
        log::info("member published itself",
                  {{"member-id", cluster::format_id(member.id)}, {"name", member.name}});
    }
    return {};
}

}  // namespace quorate::apply
