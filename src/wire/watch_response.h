// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.WatchResponse around events that are encoded already. Any thread.
#pragma once

#include "mvcc/watch_sink.h"
#include "wire/header.h"

namespace quorate::wire {

// `header` without the revision, which the message brings.
Bytes encode_watch_response(Header header, const mvcc::WatchMessage& message);

}  // namespace quorate::wire
