// SPDX-License-Identifier: Apache-2.0
//
// The server: opens engine, node and transport as the configuration says, serves until a signal
// comes, and takes everything down again in the opposite order. Main thread.
#pragma once

#include "base/status.h"
#include "config/load.h"

namespace quorate {

enum class Ending : uint8_t {
    kDone,        // a signal, or this member was removed from its cluster
    kStartAgain,  // a peer's snapshot is to replace the state, which a start does
};

// Returns when the server has ended, or with what kept it from starting. `inputs` are what the
// configuration came from, to be read again when a hangup asks for it.
Result<Ending> serve(const config::Loaded& loaded, const config::Inputs& inputs);

}  // namespace quorate
