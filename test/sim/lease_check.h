// SPDX-License-Identifier: Apache-2.0
//
// Lease safety: what hangs on a lease is not gone before the time that its holder was promised, and
// is gone some time after the holder stopped. All times are those of one observer; the members'
// clocks may run faster or slower by a bounded part. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::sim {

struct LeaseRecord {
    static constexpr int64_t kNever = INT64_MAX;

    // A grant or a keep-alive that was answered with a time to live.
    struct Renewal {
        int64_t start_ns = 0;
        int64_t end_ns = 0;
    };
    int64_t id = 0;
    int64_t ttl_ns = 0;  // as granted
    std::vector<Renewal> renewals;
    int64_t last_attempt_ns = 0;  // the last time that a renewal was asked for, answered or not
    int64_t revoke_start_ns = kNever;  // somebody asked for its end
    int64_t gone_ns = kNever;          // the first moment that any member showed it gone
};

struct LeaseLimits {
    double drift_max = 0.0;      // of any clock: 0.1 means between 0.9 and 1.1 seconds a second
    int64_t peace_since_ns = 0;  // from here on there was one leader
    int64_t end_ns = 0;          // of the observation
    int64_t resolution_ns = 0;   // of the members' clocks: a lease may end this much early
    int64_t grace_ns = 0;        // between the deadline and the end of the lease
};

std::vector<std::string> check_lease(const LeaseRecord& record, const LeaseLimits& limits);

}  // namespace quorate::sim
