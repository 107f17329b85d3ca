// SPDX-License-Identifier: Apache-2.0
#include "sim/lease_check.h"

#include <algorithm>

namespace quorate::sim {

std::vector<std::string> check_lease(const LeaseRecord& record, const LeaseLimits& limits) {
    const std::string name = "lease " + std::to_string(record.id) + " of " +
                             std::to_string(record.ttl_ns / 1'000'000) + " ms ";
    const auto scaled = [&](double factor) {
        return static_cast<int64_t>(static_cast<double>(record.ttl_ns) * factor);
    };
    if (record.gone_ns != LeaseRecord::kNever && record.revoke_start_ns > record.gone_ns) {
        for (const LeaseRecord::Renewal& renewal : record.renewals) {
            // An answer that was on its way when the lease ended promises nothing: the holder may
            // count from the moment it asked.
            if (record.gone_ns <
                renewal.start_ns + scaled(1.0 / (1.0 + limits.drift_max)) - limits.resolution_ns) {
                return {name + "was gone at " + std::to_string(record.gone_ns) +
                        ", though it was renewed by a request of " +
                        std::to_string(renewal.start_ns)};
            }
        }
    }
    const int64_t due_ns = std::max(record.last_attempt_ns, limits.peace_since_ns) +
                           scaled(1.0 / (1.0 - limits.drift_max)) + limits.grace_ns;
    if (record.gone_ns == LeaseRecord::kNever && limits.end_ns > due_ns) {
        return {name + "is still there at " + std::to_string(limits.end_ns) +
                ", it was to be gone by " + std::to_string(due_ns)};
    }
    return {};
}

}  // namespace quorate::sim
