// SPDX-License-Identifier: Apache-2.0
//
// Following an election: every leader and every proclamation, in order.
//
//   find -- there is a leader --> follow its key <--> tell what it says
//     |  ^                           |
//     |  +---- its key is gone ------+
//     +-- nobody --> wait for the first key under the prefix --> follow
//
// Recipe loop.
#pragma once

#include "rpc/recipe.h"
#include "rpc/router.h"

#include <memory>

namespace quorate::rpc {

// Of v3electionpb.Election/Observe; see RecipeLoop::Make.
std::unique_ptr<Recipe> make_observe(ByteView message, transport::Reply reply);

}  // namespace quorate::rpc
