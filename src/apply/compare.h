// SPDX-License-Identifier: Apache-2.0
//
// The conditions of a transaction. Apply loop.
#pragma once

#include "base/status.h"
#include "mvcc/read_view.h"
#include "rpc.pb.h"

#include <vector>

namespace quorate::apply {

// Which branch each transaction takes, in the order in which execution meets them: the outer one
// first, then the nested ones of its chosen branch. All conditions are evaluated on the state
// before the transaction, so the whole path is known before anything is written.
using TxnPath = std::vector<bool>;

Result<TxnPath> choose_path(const mvcc::ReadView& before, const etcdserverpb::TxnRequest& request);

}  // namespace quorate::apply
