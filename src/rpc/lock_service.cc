// SPDX-License-Identifier: Apache-2.0
#include "rpc/lock_service.h"

#include "rpc/observe_recipe.h"
#include "rpc/queue_recipe.h"
#include "rpc/single_recipe.h"

#include <utility>

namespace quorate::rpc {

void LockService::register_methods(Router& router) {
    const auto begin = [this](RecipeLoop::Make make) {
        return [this, make](const CallContext& context, transport::Reply reply) {
            return loop_.begin(context, std::move(reply), make);
        };
    };
    router.add_waiting("/v3lockpb.Lock/Lock", begin(make_lock));
    router.add_waiting("/v3lockpb.Lock/Unlock", begin(make_unlock));
    router.add_waiting("/v3electionpb.Election/Campaign", begin(make_campaign));
    router.add_waiting("/v3electionpb.Election/Proclaim", begin(make_proclaim));
    router.add_waiting("/v3electionpb.Election/Leader", begin(make_leader));
    router.add_waiting("/v3electionpb.Election/Resign", begin(make_resign));
    router.add_server_stream("/v3electionpb.Election/Observe", begin(make_observe));
}

}  // namespace quorate::rpc
