// SPDX-License-Identifier: Apache-2.0
#include "rpc/request_checks.h"

#include "base/bytes.h"
#include "base/errors.h"

#include <algorithm>
#include <map>
#include <set>

namespace quorate::rpc {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;
using Operations = google::protobuf::RepeatedPtrField<RequestOp>;

// The union of half-open intervals of keys, kept disjoint so that a lookup is one search however
// many deletes a request holds. An interval that is empty or ends with the open-end mark "\0"
// covers nothing, as in etcd.
class KeyIntervals {
  public:
    void add(ByteView lo, ByteView hi) {
        if (lo >= hi) {
            return;
        }
        Bytes from(lo);
        Bytes to(hi);
        auto it = intervals_.upper_bound(from);
        if (it != intervals_.begin() && std::prev(it)->second >= from) {
            --it;
            from = it->first;
        }
        while (it != intervals_.end() && it->first <= to) {
            to = std::max(to, it->second);
            it = intervals_.erase(it);
        }
        intervals_.emplace(std::move(from), std::move(to));
    }

    void add(const KeyIntervals& other) {
        for (const auto& [lo, hi] : other.intervals_) {
            add(lo, hi);
        }
    }

    bool contains(ByteView key) const {
        const auto it = intervals_.upper_bound(Bytes(key));
        return it != intervals_.begin() && key < ByteView(std::prev(it)->second);
    }

  private:
    std::map<Bytes, Bytes> intervals_;  // lo -> hi
};

struct Changes {
    std::set<ByteView> puts;  // borrowed from the request
    KeyIntervals deletes;
};

Status collect_changes(const Operations& operations, Changes& changes);

void collect_deletes(const Operations& operations, Changes& changes) {
    for (const RequestOp& op : operations) {
        if (op.request_case() != RequestOp::kRequestDeleteRange) {
            continue;
        }
        const auto& request = op.request_delete_range();
        if (request.range_end().empty()) {
            changes.deletes.add(request.key(), request.key() + Bytes(1, '\0'));
        } else {
            changes.deletes.add(request.key(), request.range_end());
        }
    }
}

// The two branches of one nested transaction exclude each other and may change the same keys; both
// are checked against everything around them. Deletes of a nested transaction count for what comes
// after it, not for the nested puts before it: etcd's order, kept.
Status collect_nested(const TxnRequest& txn, Changes& changes) {
    Changes success;
    if (Status s = collect_changes(txn.success(), success); !s.ok()) {
        return s;
    }
    Changes failure;
    if (Status s = collect_changes(txn.failure(), failure); !s.ok()) {
        return s;
    }
    for (const ByteView key : success.puts) {
        if (changes.puts.contains(key) || changes.deletes.contains(key)) {
            return errors::kDuplicateKey;
        }
    }
    for (const ByteView key : failure.puts) {
        if (changes.puts.contains(key) || changes.deletes.contains(key)) {
            return errors::kDuplicateKey;
        }
    }
    changes.puts.merge(success.puts);
    changes.puts.merge(failure.puts);
    changes.deletes.add(success.deletes);
    changes.deletes.add(failure.deletes);
    return {};
}

Status collect_changes(const Operations& operations, Changes& changes) {
    collect_deletes(operations, changes);
    for (const RequestOp& op : operations) {
        if (op.request_case() == RequestOp::kRequestTxn) {
            if (Status s = collect_nested(op.request_txn(), changes); !s.ok()) {
                return s;
            }
        }
    }
    for (const RequestOp& op : operations) {
        if (op.request_case() != RequestOp::kRequestPut) {
            continue;
        }
        const ByteView key = op.request_put().key();
        if (changes.deletes.contains(key) || !changes.puts.insert(key).second) {
            return errors::kDuplicateKey;
        }
    }
    return {};
}

Status check_txn_shape(const TxnRequest& request, size_t ops_max);

Status check_operation(const RequestOp& op, size_t ops_max) {
    switch (op.request_case()) {
        case RequestOp::kRequestRange:
            return check_range(op.request_range());
        case RequestOp::kRequestPut:
            return check_put(op.request_put());
        case RequestOp::kRequestDeleteRange:
            return check_delete_range(op.request_delete_range());
        case RequestOp::kRequestTxn:
            return check_txn_shape(op.request_txn(), ops_max);
        case RequestOp::REQUEST_NOT_SET:
            break;
    }
    return errors::kKeyNotFound;
}

Status check_txn_shape(const TxnRequest& request, size_t ops_max) {
    const auto longest = static_cast<size_t>(
        std::max({request.compare_size(), request.success_size(), request.failure_size()}));
    if (longest > ops_max) {
        return errors::kTooManyOps;
    }
    for (const auto& compare : request.compare()) {
        if (compare.key().empty()) {
            return errors::kEmptyKey;
        }
    }
    for (const Operations* branch : {&request.success(), &request.failure()}) {
        for (const RequestOp& op : *branch) {
            if (Status s = check_operation(op, ops_max - longest); !s.ok()) {
                return s;
            }
        }
    }
    return {};
}

}  // namespace

Status check_range(const RangeRequest& request) {
    if (request.key().empty()) {
        return errors::kEmptyKey;
    }
    if (!RangeRequest::SortOrder_IsValid(request.sort_order()) ||
        !RangeRequest::SortTarget_IsValid(request.sort_target())) {
        return errors::kInvalidSortOption;
    }
    return {};
}

Status check_put(const etcdserverpb::PutRequest& request) {
    if (request.key().empty()) {
        return errors::kEmptyKey;
    }
    if (request.ignore_value() && !request.value().empty()) {
        return errors::kValueProvided;
    }
    if (request.ignore_lease() && request.lease() != 0) {
        return errors::kLeaseProvided;
    }
    return {};
}

Status check_delete_range(const etcdserverpb::DeleteRangeRequest& request) {
    if (request.key().empty()) {
        return errors::kEmptyKey;
    }
    return {};
}

Status check_txn(const TxnRequest& request, size_t ops_max) {
    if (Status s = check_txn_shape(request, ops_max); !s.ok()) {
        return s;
    }
    for (const Operations* branch : {&request.success(), &request.failure()}) {
        Changes changes;
        if (Status s = collect_changes(*branch, changes); !s.ok()) {
            return s;
        }
    }
    return {};
}

Status check_range_stream(const RangeRequest& request) {
    if (Status s = check_range(request); !s.ok()) {
        return s;
    }
    const bool default_order = request.sort_order() == RangeRequest::NONE ||
                               (request.sort_order() == RangeRequest::ASCEND &&
                                request.sort_target() == RangeRequest::KEY);
    if (!default_order) {
        return errors::kStreamCustomSort;
    }
    if (request.min_mod_revision() != 0 || request.max_mod_revision() != 0 ||
        request.min_create_revision() != 0 || request.max_create_revision() != 0) {
        return errors::kStreamRevisionFilter;
    }
    return {};
}

}  // namespace quorate::rpc
