// SPDX-License-Identifier: Apache-2.0
//
// Waiting in line for a lock or for leadership. Everybody in line has a key under the same prefix,
// bound to a lease; whose key was created first has the turn.
//
//   grant -> join -> (proclaim) -> look <-> wait -> (confirm) -> answered
//              |                     |        |          |
//              +------ cancelled, or failed where it matters -----> leave -> done
//
//   grant     only when the caller has brought no lease: one of 60 s
//   join      one transaction: the key, if it is not there yet
//   proclaim  election: a key of ours that was there says something else
//   look      the newest key before ours; none: it is our turn
//   wait      until that one is deleted
//   confirm   lock: our key is still there
//   leave     our key goes
//
// Recipe loop.
#pragma once

#include "rpc/recipe.h"
#include "rpc/router.h"

#include <memory>

namespace quorate::rpc {

// Of v3lockpb.Lock/Lock and v3electionpb.Election/Campaign; see RecipeLoop::Make.
std::unique_ptr<Recipe> make_lock(ByteView message, transport::Reply reply);
std::unique_ptr<Recipe> make_campaign(ByteView message, transport::Reply reply);

}  // namespace quorate::rpc
