// SPDX-License-Identifier: Apache-2.0
//
// How the answers about keys look. One thread.
#pragma once

#include "ctl/printer.h"
#include "rpc.pb.h"

namespace quorate::ctl {

Exit print_range(const Printer& printer, const etcdserverpb::RangeResponse& response);
Exit print_put(const Printer& printer, const etcdserverpb::PutResponse& response);
Exit print_delete(const Printer& printer, const etcdserverpb::DeleteRangeResponse& response);
Exit print_txn(const Printer& printer, const etcdserverpb::TxnResponse& response);
Exit print_watch(const Printer& printer, const etcdserverpb::WatchResponse& response);

}  // namespace quorate::ctl
