// SPDX-License-Identifier: Apache-2.0
#include "rpc/maintenance_service.h"

#include "base/errors.h"
#include "base/log.h"
#include "cluster/version.h"
#include "command.pb.h"
#include "config/version.h"
#include "rpc.pb.h"
#include "rpc/on_state.h"
#include "rpc/parse.h"
#include "rpc/permit.h"

#include <memory>
#include <utility>

namespace quorate::rpc {
namespace {

using transport::Reply;

void set_header(etcdserverpb::ResponseHeader& out, const wire::Header& header) {
    out.set_cluster_id(header.cluster_id);
    out.set_member_id(header.member_id);
    out.set_revision(header.revision);
    out.set_raft_term(header.raft_term);
}

// Runs body(reply) on the read pool, or answers "too many requests".
template <typename Body>
void answer_in_pool(node::Node& node, Reply reply, Body body) {
    auto shared = std::make_shared<Reply>(std::move(reply));
    if (!node.run_in_pool([shared, body = std::move(body)] { body(*shared); })) {
        shared->finish(errors::kRequestTooManyRequests);
    }
}

// The line of Status.errors for an alarm, as Go prints the message.
std::string alarm_line(const apply::Alarm& alarm) {
    return "memberID:" + std::to_string(alarm.member_id) + " alarm:" +
           etcdserverpb::AlarmType_Name(static_cast<etcdserverpb::AlarmType>(alarm.type));
}

}  // namespace

MaintenanceService::MaintenanceService(node::Node& node)
    : node_(node),
      defrag_seconds_(node.metrics().histogram("etcd_disk_backend_defrag_duration_seconds",
                                               "The latency distribution of backend "
                                               "defragmentation.",
                                               {.1, 2, 13})),
      defrags_(node.metrics().gauge("etcd_disk_defrag_inflight",
                                    "Whether or not defrag is active on the member. 1 means "
                                    "active, 0 means not.")),
      hash_seconds_(node.metrics().histogram("etcd_mvcc_hash_duration_seconds",
                                             "The latency distribution of storage hash operation.",
                                             {.01, 2, 15})),
      hash_rev_seconds_(node.metrics().histogram("etcd_mvcc_hash_rev_duration_seconds",
                                                 "The latency distribution of storage hash by "
                                                 "revision operation.",
                                                 {.01, 2, 15})),
      snapshots_(node) {}

void MaintenanceService::register_methods(Router& router) {
    const auto unary = [&](const char* path, void (MaintenanceService::*method)(const CallContext&,
                                                                                ByteView, Reply)) {
        router.add_unary(path,
                         [this, method](const CallContext& context, ByteView message, Reply reply) {
                             (this->*method)(context, message, std::move(reply));
                         });
    };
    unary("/etcdserverpb.Maintenance/Alarm", &MaintenanceService::alarm);
    unary("/etcdserverpb.Maintenance/Status", &MaintenanceService::status);
    unary("/etcdserverpb.Maintenance/Defragment", &MaintenanceService::defragment);
    unary("/etcdserverpb.Maintenance/Hash", &MaintenanceService::hash);
    unary("/etcdserverpb.Maintenance/HashKV", &MaintenanceService::hash_kv);
    unary("/etcdserverpb.Maintenance/Downgrade", &MaintenanceService::downgrade);
    unary("/etcdserverpb.Maintenance/MoveLeader", &MaintenanceService::move_leader);
    router.add_server_stream(
        "/etcdserverpb.Maintenance/Snapshot",
        [this](const CallContext&, Reply reply) { return snapshots_.make_call(std::move(reply)); });
}

void MaintenanceService::alarm(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::AlarmRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    if (request.action() != etcdserverpb::AlarmRequest::GET) {
        propose(node_, context, wire::CommandKind::kAlarm, message, std::move(reply));
        return;
    }
    answer_on_confirmed_state(
        node_, std::move(reply),
        [this, type = request.alarm(), caller = context.caller](apply::State& state, Reply& to) {
            if (Status s = permit(state, caller, {.who = apply::Who::kUser}); !s.ok()) {
                to.finish(s);
                return;
            }
            etcdserverpb::AlarmResponse response;
            set_header(*response.mutable_header(), node_.header(state.store.current_revision()));
            for (const apply::Alarm& alarm :
                 state.alarms.list(static_cast<apply::AlarmType>(type))) {
                auto* member = response.add_alarms();
                member->set_memberid(alarm.member_id);
                member->set_alarm(static_cast<etcdserverpb::AlarmType>(alarm.type));
            }
            to.reply(response.SerializeAsString());
        });
}

void MaintenanceService::status(const CallContext&, ByteView message, Reply reply) {
    etcdserverpb::StatusRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    answer_on_state(node_, std::move(reply), [this](apply::State& state, Reply& to) {
        const node::NodeStatus& status = node_.status();
        etcdserverpb::StatusResponse response;
        set_header(*response.mutable_header(), node_.header(state.store.current_revision()));
        response.set_version(std::string(config::kEtcdVersion));
        const auto stats = node_.backend().stats();
        response.set_dbsize(stats ? static_cast<int64_t>(stats->disk_bytes) : 0);
        response.set_dbsizeinuse(static_cast<int64_t>(state.store.stats().stored_bytes));
        response.set_leader(status.leader.load());
        response.set_raftindex(status.committed.load());
        response.set_raftterm(status.term.load());
        response.set_raftappliedindex(status.applied.load());
        if (status.leader.load() == 0) {
            response.add_errors(std::string(errors::kNoLeader.text));
        }
        for (const apply::Alarm& alarm : state.alarms.list(apply::AlarmType::kNone)) {
            response.add_errors(alarm_line(alarm));
        }
        const auto list = node_.members();
        response.set_storageversion(cluster::storage_version(*list));
        const cluster::Member* self = list->find(node_.identity().member_id);
        response.set_islearner(self != nullptr && self->is_learner);
        response.set_dbsizequota(node_.config().limits.quota_backend_bytes);
        response.mutable_downgradeinfo()->set_enabled(!list->downgrade_target.empty());
        response.mutable_downgradeinfo()->set_targetversion(list->downgrade_target);
        to.reply(response.SerializeAsString());
    });
}

// The engine gives space back by itself and while it serves; this only makes it do so now.
void MaintenanceService::defragment(const CallContext&, ByteView message, Reply reply) {
    etcdserverpb::DefragmentRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    answer_in_pool(node_, std::move(reply), [this](Reply& to) {
        const int64_t begin_ns = node_.clock().monotonic_ns();
        log::info("starting to reclaim space");
        defrags_.add(1);
        const Status compacted = node_.backend().compact({});
        defrags_.add(-1);
        const int64_t took_ns = node_.clock().monotonic_ns() - begin_ns;
        defrag_seconds_.observe_ns(took_ns);
        if (!compacted.ok()) {
            log::error("reclaiming space failed", {log::Field(compacted)});
            to.finish(compacted);
            return;
        }
        log::info("finished reclaiming space", {{"took-ms", took_ns / 1'000'000}});
        to.reply({});
    });
}

void MaintenanceService::hash(const CallContext&, ByteView message, Reply reply) {
    etcdserverpb::HashRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    answer_in_pool(node_, std::move(reply), [this](Reply& to) {
        const int64_t begin_ns = node_.clock().monotonic_ns();
        const auto hash = node_.store().hash();
        hash_seconds_.observe_ns(node_.clock().monotonic_ns() - begin_ns);
        if (!hash) {
            to.finish(hash.error());
            return;
        }
        etcdserverpb::HashResponse response;
        set_header(*response.mutable_header(), node_.header(node_.store().current_revision()));
        response.set_hash(*hash);
        to.reply(response.SerializeAsString());
    });
}

void MaintenanceService::hash_kv(const CallContext&, ByteView message, Reply reply) {
    etcdserverpb::HashKVRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    answer_in_pool(node_, std::move(reply), [this, revision = request.revision()](Reply& to) {
        const int64_t begin_ns = node_.clock().monotonic_ns();
        const auto hash = node_.store().hash_kv(revision);
        hash_rev_seconds_.observe_ns(node_.clock().monotonic_ns() - begin_ns);
        if (!hash) {
            to.finish(hash.error());
            return;
        }
        etcdserverpb::HashKVResponse response;
        set_header(*response.mutable_header(), node_.header(hash->current_revision));
        response.set_hash(hash->hash);
        response.set_compact_revision(hash->compact_revision);
        response.set_hash_revision(hash->hash_revision);
        to.reply(response.SerializeAsString());
    });
}

namespace {

// Whether a downgrade to what the request asks for may begin now.
Result<cluster::Version> check_downgrade(const etcdserverpb::DowngradeRequest& request,
                                         const cluster::List& list) {
    const auto target = cluster::parse_version(request.version());
    if (!target) {
        return Status(errors::kWrongDowngradeVersionFormat);
    }
    const auto current = cluster::parse_version(list.cluster_version);
    if (!current) {
        return Status(errors::kClusterVersionUnavailable);
    }
    if (*target != cluster::downgrade_target_of(*current)) {
        return Status(errors::kInvalidDowngradeTargetVersion);
    }
    if (!list.downgrade_target.empty()) {
        return Status(errors::kDowngradeInProcess);
    }
    return *target;
}

Status refused_downgrade(const etcdserverpb::DowngradeRequest& request, const Status& why) {
    log::warn("reject downgrade request", {{"target-version", request.version()}, log::Field(why)});
    return why;
}

}  // namespace

void MaintenanceService::downgrade(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::DowngradeRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    if (!context.caller) {
        reply.finish(context.caller.error());
        return;
    }
    answer_on_confirmed_state(
        node_, std::move(reply),
        [this, request, caller = *context.caller](apply::State& state, Reply& to) {
            downgrade_now(request, caller, state, to);
        });
}

// A cancel without a downgrade under way is answered as one with it, as in etcd.
void MaintenanceService::downgrade_now(const etcdserverpb::DowngradeRequest& request,
                                       const auth::Caller& caller, const apply::State& state,
                                       Reply& to) {
    wire::Downgrade command;
    const auto action = request.action();
    if (action == etcdserverpb::DowngradeRequest::VALIDATE ||
        action == etcdserverpb::DowngradeRequest::ENABLE) {
        const cluster::List& list = state.membership.list();
        const auto target = check_downgrade(request, list);
        if (!target) {
            to.finish(refused_downgrade(request, target.error()));
            return;
        }
        if (action == etcdserverpb::DowngradeRequest::VALIDATE) {
            etcdserverpb::DowngradeResponse response;
            set_header(*response.mutable_header(), node_.header(state.store.current_revision()));
            response.set_version(
                cluster::short_text(*cluster::parse_version(list.cluster_version)));
            to.reply(response.SerializeAsString());
            return;
        }
        command.set_enabled(true);
        command.set_target_version(cluster::full_text(*target));
    } else if (action != etcdserverpb::DowngradeRequest::CANCEL) {
        to.finish({errors::kUnknown, "etcdserver: unknown method"});
        return;
    }
    node_.propose(wire::CommandKind::kDowngrade, wire::Origin::of(caller),
                  command.SerializeAsString(), std::move(to));
}

void MaintenanceService::move_leader(const CallContext&, ByteView message, Reply reply) {
    etcdserverpb::MoveLeaderRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    auto shared = std::make_shared<Reply>(std::move(reply));
    const int64_t deadline_ns = node_.clock().monotonic_ns() + node_.request_timeout_ns();
    const bool taken =
        node_.run_on_raft([shared, target = request.targetid(), deadline_ns](node::RaftLoop& loop) {
            loop.transfer_leadership(target, std::move(*shared), deadline_ns);
        });
    if (!taken) {
        shared->finish(errors::kRequestTooManyRequests);
    }
}

}  // namespace quorate::rpc
