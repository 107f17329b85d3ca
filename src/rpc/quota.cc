// SPDX-License-Identifier: Apache-2.0
#include "rpc/quota.h"

#include "base/errors.h"
#include "base/log.h"
#include "rpc.pb.h"

namespace quorate::rpc {
namespace {

// A flood of refused requests raises the alarm once, and again if it was disarmed meanwhile.
constexpr int64_t kAlarmInterval_ns = 1'000'000'000;

}  // namespace

Status Quota::check(int64_t cost) {
    const int64_t quota = node_.config().limits.quota_backend_bytes;
    if (quota <= 0 || cost == 0) {
        return {};
    }
    const auto stored = static_cast<int64_t>(node_.status().stored_bytes.load());
    if (stored + cost < quota) {
        return {};
    }
    if (node_.status().alarm_no_space.load()) {
        return errors::kNoSpace;  // it has been said
    }
    const int64_t now_ns = node_.clock().monotonic_ns();
    int64_t last_ns = last_alarm_ns_.load();
    if ((last_ns == 0 || now_ns - last_ns > kAlarmInterval_ns) &&
        last_alarm_ns_.compare_exchange_strong(last_ns, now_ns)) {
        log::warn(
            "database space exceeded: raising alarm NOSPACE; compact old revisions or raise "
            "--quota-backend-bytes, then disarm the alarm",
            {{"quota-size-bytes", quota}, {"stored-bytes", stored}});
        etcdserverpb::AlarmRequest alarm;
        alarm.set_action(etcdserverpb::AlarmRequest::ACTIVATE);
        alarm.set_memberid(node_.identity().member_id);
        alarm.set_alarm(etcdserverpb::NOSPACE);
        node_.propose_own(wire::CommandKind::kAlarm, alarm.SerializeAsString());
    }
    return errors::kNoSpace;
}

}  // namespace quorate::rpc
