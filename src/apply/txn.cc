// SPDX-License-Identifier: Apache-2.0
#include "apply/kv_ops.h"
#include "base/errors.h"
#include "base/log.h"
#include "wire/header.h"
#include "wire/range_query.h"
#include "wire/responses.h"

#include <algorithm>
#include <vector>

namespace quorate::apply {
namespace {

using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using Operations = google::protobuf::RepeatedPtrField<RequestOp>;

// ResponseOp's field numbers.
constexpr uint32_t kRangeAnswer = 1;
constexpr uint32_t kPutAnswer = 2;
constexpr uint32_t kDeleteAnswer = 3;
constexpr uint32_t kTxnAnswer = 4;
// TxnResponse.responses.
constexpr uint32_t kResponses = 3;

// Walks the chosen branches in execution order.
class PathWalker {
  public:
    explicit PathWalker(const TxnPath& path) : path_(path) {}
    bool next_succeeded() { return path_.at(at_++); }

  private:
    const TxnPath& path_;
    size_t at_ = 0;
};

const Operations& branch(const TxnRequest& request, bool succeeded) {
    return succeeded ? request.success() : request.failure();
}

// What the path deletes before it comes to a put. A put that keeps value or lease of a key which
// the transaction itself has deleted by then has nothing to keep. The check for keys that are
// changed twice lets some of these through, as etcd's does, which then ends etcd; here they are
// refused.
using Erased = std::vector<mvcc::KeyRange>;

// The lease first, as in etcd.
Status check_put(const State& state, const mvcc::ReadView& before, const Erased& erased,
                 const etcdserverpb::PutRequest& request) {
    if (request.lease() != lease::kNoLease && !state.lessor.exists(request.lease())) {
        return errors::kLeaseNotFound;
    }
    if (!request.ignore_value() && !request.ignore_lease()) {
        return {};
    }
    const auto found = before.find(request.key());
    if (!found) {
        return found.error();
    }
    const bool gone = std::any_of(
        erased.begin(), erased.end(),
        [&request](const mvcc::KeyRange& range) { return range.contains(request.key()); });
    return found->has_value() && !gone ? Status() : Status(errors::kKeyNotFound);
}

// Inside a transaction a negative revision is not "the newest": it lies below the compact revision.
Status check_range(const State& state, const etcdserverpb::RangeRequest& request) {
    if (request.revision() == 0) {
        return {};
    }
    if (request.revision() > state.store.current_revision()) {
        return errors::kFutureRev;
    }
    if (request.revision() < state.store.compact_revision()) {
        return errors::kCompacted;
    }
    return {};
}

// In the order of the requests: of two that are wrong, the first is told of.
Status check_path(const State& state, const mvcc::ReadView& before, const TxnRequest& request,
                  PathWalker& walker, Erased& erased) {
    for (const RequestOp& op : branch(request, walker.next_succeeded())) {
        Status checked;
        switch (op.request_case()) {
            case RequestOp::kRequestRange:
                checked = check_range(state, op.request_range());
                break;
            case RequestOp::kRequestPut:
                checked = check_put(state, before, erased, op.request_put());
                break;
            case RequestOp::kRequestDeleteRange:
                erased.push_back(
                    {op.request_delete_range().key(), op.request_delete_range().range_end()});
                break;
            case RequestOp::kRequestTxn:
                checked = check_path(state, before, op.request_txn(), walker, erased);
                break;
            case RequestOp::REQUEST_NOT_SET:
                break;
        }
        if (!checked.ok()) {
            return checked;
        }
    }
    return {};
}

// After the first change there is no way back: what fails then is the engine, and a member that
// can't read its own state must not go on as if it had applied this entry.
[[noreturn]] void die(const Status& status) {
    log::fatal("transaction failed after its first change", {log::Field(status)});
}

class Execution {
  public:
    Execution(State& state, mvcc::WriteTxn& txn, PathWalker walker)
        : state_(state), txn_(txn), walker_(walker) {}

    // The encoded operations of one transaction, nested ones inside.
    Bytes run(const TxnRequest& request, bool succeeded) {
        Bytes out;
        for (const RequestOp& op : branch(request, succeeded)) {
            Bytes answer;
            switch (op.request_case()) {
                case RequestOp::kRequestRange:
                    wire::append_message(answer, kRangeAnswer, range(op.request_range()));
                    break;
                case RequestOp::kRequestPut:
                    wire::append_message(answer, kPutAnswer, put(op.request_put()));
                    break;
                case RequestOp::kRequestDeleteRange:
                    wire::append_message(answer, kDeleteAnswer, erase(op.request_delete_range()));
                    break;
                case RequestOp::kRequestTxn:
                    wire::append_message(answer, kTxnAnswer, nested(op.request_txn()));
                    break;
                case RequestOp::REQUEST_NOT_SET:
                    break;
            }
            wire::append_message(out, kResponses, answer);
        }
        return out;
    }

    bool next_succeeded() { return walker_.next_succeeded(); }
    const OperationCounts& counts() const { return counts_; }

  private:
    static Bytes inner_header(int64_t revision) {
        return wire::encode_header({.revision = revision});
    }

    Bytes range(const etcdserverpb::RangeRequest& request) {
        ++counts_.ranges;
        const auto result = txn_.reads().range(wire::to_range_query(request));
        if (!result) {
            die(result.error());
        }
        return wire::encode_range_response(inner_header(result->revision), *result);
    }

    Bytes put(const etcdserverpb::PutRequest& request) {
        ++counts_.puts;
        const auto done = apply::put(state_, txn_, request);
        if (!done) {
            die(done.error());
        }
        counts_.put_bytes += done->bytes;
        return wire::encode_put_response(inner_header(txn_.reads().revision()), done->previous);
    }

    Bytes erase(const etcdserverpb::DeleteRangeRequest& request) {
        const auto done = delete_range(state_, txn_, request);
        if (!done) {
            die(done.error());
        }
        counts_.deletes += static_cast<uint64_t>(done->deleted);
        return wire::encode_delete_range_response(inner_header(txn_.reads().revision()),
                                                  done->deleted, done->previous);
    }

    Bytes nested(const TxnRequest& request) {
        const bool succeeded = walker_.next_succeeded();
        const Bytes operations = run(request, succeeded);
        return wire::encode_txn_response({}, succeeded, operations);  // with an empty header
    }

    State& state_;
    mvcc::WriteTxn& txn_;
    PathWalker walker_;
    OperationCounts counts_;
};

}  // namespace

Result<TxnDone> run_txn(State& state, mvcc::WriteTxn& txn, const TxnRequest& request) {
    const Result<TxnPath> path = choose_path(txn.reads(), request);
    if (!path) {
        return path.error();
    }
    PathWalker walker(*path);
    Erased erased;
    if (Status s = check_path(state, txn.reads(), request, walker, erased); !s.ok()) {
        return s;
    }
    Execution execution(state, txn, PathWalker(*path));
    TxnDone done;
    done.succeeded = execution.next_succeeded();
    done.operations = execution.run(request, done.succeeded);
    done.counts = execution.counts();
    return done;
}

}  // namespace quorate::apply
