// SPDX-License-Identifier: Apache-2.0
//
// The unary workloads: which request is next, and whether its answer is right. One thread each.
#pragma once

#include "key_space.h"
#include "load.h"
#include "options.h"

#include <cstdint>
#include <memory>

namespace quorate::load {

// For put, get, mixed, range, txn and delete. `lane` tells the threads' shares apart.
std::unique_ptr<RequestSource> make_source(const Options& options, KeyPicker::Lane lane);

// Puts keys 0..options.preload-1 of this lane, as many in a transaction as every server takes.
std::unique_ptr<RequestSource> make_preload_source(const Options& options, KeyPicker::Lane lane);

}  // namespace quorate::load
