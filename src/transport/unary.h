// SPDX-License-Identifier: Apache-2.0
//
// One request and its one answer, waited for. For start-up and tools: never on a loop's thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "transport/client.h"
#include "transport/transport.h"

namespace quorate::transport {

// start.timeout_ms bounds the wait. The error is the peer's, or says what became of the connection.
Result<Bytes> call_and_wait(Transport& transport, Connection& connection, const CallStart& start,
                            ByteView request);

}  // namespace quorate::transport
