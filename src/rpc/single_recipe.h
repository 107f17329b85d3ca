// SPDX-License-Identifier: Apache-2.0
//
// Recipes that make one call and answer with what came of it: unlocking, and the election's
// proclaim, leader and resign. Recipe loop.
#pragma once

#include "rpc/recipe.h"
#include "rpc/router.h"

#include <memory>

namespace quorate::rpc {

// See RecipeLoop::Make.
std::unique_ptr<Recipe> make_unlock(ByteView message, transport::Reply reply);
std::unique_ptr<Recipe> make_proclaim(ByteView message, transport::Reply reply);
std::unique_ptr<Recipe> make_leader(ByteView message, transport::Reply reply);
std::unique_ptr<Recipe> make_resign(ByteView message, transport::Reply reply);

}  // namespace quorate::rpc
