// SPDX-License-Identifier: Apache-2.0
#include "apply/gates.h"

#include "base/errors.h"

#include <algorithm>

namespace quorate::apply {
namespace {

using etcdserverpb::RequestOp;
using Operations = google::protobuf::RepeatedPtrField<RequestOp>;

constexpr int64_t kPutOverhead = 256;

int64_t operations_cost(const Operations& operations) {
    int64_t cost = 0;
    for (const RequestOp& op : operations) {
        if (op.request_case() == RequestOp::kRequestPut) {
            cost += put_cost(op.request_put());
        } else if (op.request_case() == RequestOp::kRequestTxn) {
            cost += txn_cost(op.request_txn());
        }
    }
    return cost;
}

}  // namespace

int64_t put_cost(const etcdserverpb::PutRequest& request) {
    return kPutOverhead + static_cast<int64_t>(request.key().size() + request.value().size());
}

int64_t txn_cost(const etcdserverpb::TxnRequest& request) {
    return std::max(operations_cost(request.success()), operations_cost(request.failure()));
}

Status check_alarms(const AlarmStore& alarms, const wire::Command& command) {
    const bool corrupt = alarms.any(AlarmType::kCorrupt);
    const bool full = alarms.any(AlarmType::kNoSpace);
    if (!corrupt && !full) {
        return {};
    }
    switch (command.request_case()) {
        case wire::Command::kPut:
        case wire::Command::kLeaseGrant:
            return corrupt ? Status(errors::kCorrupt) : Status(errors::kNoSpace);
        case wire::Command::kTxn:
            if (corrupt) {
                return errors::kCorrupt;
            }
            return txn_cost(command.txn()) > 0 ? Status(errors::kNoSpace) : Status();
        case wire::Command::kDeleteRange:
        case wire::Command::kCompaction:
        case wire::Command::kLeaseRevoke:
            return corrupt ? Status(errors::kCorrupt) : Status();
        case wire::Command::kLeaseCheckpoint:
        case wire::Command::kAlarm:
        case wire::Command::kExpiredLeases:
        case wire::Command::kMemberAttributes:
        case wire::Command::kClusterVersion:
        case wire::Command::kMemberChange:
        case wire::Command::kDowngrade:
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
    return {};
}

}  // namespace quorate::apply
