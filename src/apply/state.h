// SPDX-License-Identifier: Apache-2.0
//
// The replicated state and who may touch it: whoever holds a State& is on the apply loop.
#pragma once

#include "apply/alarm_store.h"
#include "auth/auth_store.h"
#include "auth/token_provider.h"
#include "cluster/membership.h"
#include "lease/lessor.h"
#include "mvcc/store.h"
#include "storage/backend.h"

#include <cstdint>

namespace quorate::apply {

struct State {
    mvcc::Store& store;
    lease::Lessor& lessor;
    AlarmStore& alarms;
    cluster::Membership& membership;
    auth::AuthStore& auth;
    auth::TokenProvider& tokens;  // told of what the entries mean to it; no state of its own counts
    // What this turn writes; goes to the engine in one piece at the turn's end, together with the
    // applied index and its term.
    storage::WriteBatch& batch;
    int64_t now_ms = 0;     // monotonic; only the leader's lease deadlines depend on it
    uint64_t led_term = 0;  // whose leader's clock the lessor is; 0: of none
};

}  // namespace quorate::apply
