// SPDX-License-Identifier: Apache-2.0
#include "rpc/kv_service.h"

#include "apply/gates.h"
#include "base/errors.h"
#include "rpc/on_state.h"
#include "rpc/parse.h"
#include "rpc/permit.h"
#include "rpc/range_stream.h"
#include "rpc/request_checks.h"
#include "wire/range_query.h"
#include "wire/responses.h"

#include <algorithm>
#include <utility>

namespace quorate::rpc {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using transport::Reply;

// A range of at most this many keys is read on the transport's own thread.
constexpr int64_t kSmallRange = 256;

bool is_small(const RangeRequest& request) {
    const bool whole_range_first =
        request.sort_order() == RangeRequest::DESCEND ||
        (request.sort_order() == RangeRequest::ASCEND &&
         request.sort_target() != RangeRequest::KEY) ||
        request.min_mod_revision() != 0 || request.max_mod_revision() != 0 ||
        request.min_create_revision() != 0 || request.max_create_revision() != 0;
    if (request.range_end().empty()) {
        return true;
    }
    // A count at an old revision walks the range, too.
    return !whole_range_first && request.limit() > 0 && request.limit() <= kSmallRange &&
           request.revision() <= 0;
}

// Only ranges, none nested: nothing to put into the log.
bool is_read_only(const TxnRequest& request) {
    const auto ranges_only = [](const auto& operations) {
        return std::all_of(operations.begin(), operations.end(), [](const RequestOp& op) {
            return op.request_case() == RequestOp::kRequestRange;
        });
    };
    return ranges_only(request.success()) && ranges_only(request.failure());
}

bool is_serializable(const TxnRequest& request) {
    const auto all_serializable = [](const auto& operations) {
        return std::all_of(operations.begin(), operations.end(),
                           [](const RequestOp& op) { return op.request_range().serializable(); });
    };
    return all_serializable(request.success()) && all_serializable(request.failure());
}

metrics::Histogram& range_histogram(metrics::Registry& metrics, const char* success) {
    return metrics.histogram("etcd_server_range_duration_seconds",
                             "The latency distributions of txn.Range", {0.0001, 2, 20},
                             {{"success", success}});
}

}  // namespace

KvService::KvService(node::Node& node, Quota& quota)
    : node_(node),
      quota_(quota),
      ranges_(node.metrics().counter("etcd_mvcc_range_total",
                                     "Total number of ranges seen by this member.")),
      range_seconds_(range_histogram(node.metrics(), "true")),
      failed_range_seconds_(range_histogram(node.metrics(), "false")) {}

void KvService::register_methods(Router& router) {
    const auto unary = [&](const char* path,
                           void (KvService::*method)(const CallContext&, ByteView, Reply)) {
        router.add_unary(path,
                         [this, method](const CallContext& context, ByteView message, Reply reply) {
                             (this->*method)(context, message, std::move(reply));
                         });
    };
    unary("/etcdserverpb.KV/Range", &KvService::range);
    unary("/etcdserverpb.KV/Put", &KvService::put);
    unary("/etcdserverpb.KV/DeleteRange", &KvService::delete_range);
    unary("/etcdserverpb.KV/Txn", &KvService::txn);
    unary("/etcdserverpb.KV/Compact", &KvService::compact);
    router.add_server_stream("/etcdserverpb.KV/RangeStream",
                             [this](const CallContext& context, Reply reply) {
                                 ranges_.add();
                                 return make_range_stream(node_, context, std::move(reply));
                             });
}

void KvService::range(const CallContext& context, ByteView message, Reply reply) {
    auto request = std::make_unique<RangeRequest>();
    Status checked = parse(message, *request);
    if (checked.ok()) {
        checked = check_range(*request);
    }
    if (!checked.ok()) {
        reply.finish(checked);
        return;
    }
    ranges_.add();
    if (!request->serializable() && node_.status().is_learner.load()) {
        reply.finish(errors::kNotSupportedForLearner);
        return;
    }
    if (request->serializable() || node_.reads_confirmed()) {
        serve_range(std::move(request), context.caller, std::move(reply));
        return;
    }
    node_.confirm_read([this, request = std::move(request), caller = context.caller,
                        reply = std::move(reply)](const Status& confirmed) mutable {
        if (confirmed.ok()) {
            serve_range_here(*request, caller, std::move(reply));
        } else {
            reply.finish(confirmed);
        }
    });
}

void KvService::serve_range(std::unique_ptr<RangeRequest> request,
                            const Result<auth::Caller>& caller, Reply reply) {
    if (is_small(*request)) {
        serve_range_here(*request, caller, std::move(reply));
        return;
    }
    // The task owns all; a refused task is dropped here, so the refusal is prepared first.
    struct Work {
        std::unique_ptr<RangeRequest> request;
        Result<auth::Caller> caller;
        Reply reply;
    };
    auto work = std::make_shared<Work>(Work{std::move(request), caller, std::move(reply)});
    if (!node_.run_in_pool([this, work] {
            serve_range_here(*work->request, work->caller, std::move(work->reply));
        })) {
        work->reply.finish(errors::kRequestTooManyRequests);
    }
}

void KvService::serve_range_here(const RangeRequest& request, const Result<auth::Caller>& caller,
                                 Reply reply) {
    ReadPermit permit(node_, caller);
    if (Status s = permit.before(request); !s.ok()) {
        reply.finish(s);
        return;
    }
    const int64_t begun_ns = node_.clock().monotonic_ns();
    const auto result = node_.store().range(wire::to_range_query(request));
    (result ? range_seconds_ : failed_range_seconds_)
        .observe_ns(node_.clock().monotonic_ns() - begun_ns);
    if (!result) {
        reply.finish(result.error());
        return;
    }
    if (Status s = permit.after(request); !s.ok()) {
        reply.finish(s);
        return;
    }
    const Bytes header = wire::encode_header(node_.header(result->revision));
    reply.reply(wire::encode_range_response(header, *result));
}

void KvService::put(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::PutRequest request;
    Status checked = parse(message, request);
    if (checked.ok()) {
        checked = check_put(request);
    }
    if (checked.ok()) {
        checked = quota_.check(apply::put_cost(request));
    }
    if (!checked.ok()) {
        reply.finish(checked);
        return;
    }
    propose(node_, context, wire::CommandKind::kPut, message, std::move(reply));
}

void KvService::delete_range(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::DeleteRangeRequest request;
    Status checked = parse(message, request);
    if (checked.ok()) {
        checked = check_delete_range(request);
    }
    if (!checked.ok()) {
        reply.finish(checked);
        return;
    }
    propose(node_, context, wire::CommandKind::kDeleteRange, message, std::move(reply));
}

void KvService::txn(const CallContext& context, ByteView message, Reply reply) {
    auto request = std::make_shared<TxnRequest>();
    Status checked = parse(message, *request);
    if (checked.ok()) {
        checked = check_txn(*request, node_.config().limits.txn_ops_max);
    }
    if (checked.ok()) {
        checked = quota_.check(apply::txn_cost(*request));
    }
    if (!checked.ok()) {
        reply.finish(checked);
        return;
    }
    if (!is_read_only(*request)) {
        propose(node_, context, wire::CommandKind::kTxn, message, std::move(reply));
        return;
    }
    // Compares and ranges have to see one state, which the apply loop gives for nothing: between
    // two entries nothing changes.
    const auto serve = [this, request, caller = context.caller](apply::State& state, Reply& to) {
        if (!caller) {
            to.finish(caller.error());
            return;
        }
        const apply::Outcome outcome =
            node_.applier().read_only_txn(state, *request, *caller, node_.status().term.load());
        if (outcome.status.ok()) {
            to.reply(outcome.response);
        } else {
            to.finish(outcome.status);
        }
    };
    if (is_serializable(*request)) {
        answer_on_state(node_, std::move(reply), serve);
    } else {
        answer_on_confirmed_state(node_, std::move(reply), serve);
    }
}

void KvService::compact(const CallContext& context, ByteView message, Reply reply) {
    etcdserverpb::CompactionRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    propose(node_, context, wire::CommandKind::kCompaction, message, std::move(reply));
}

}  // namespace quorate::rpc
