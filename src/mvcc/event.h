// SPDX-License-Identifier: Apache-2.0
//
// Encoded watch events. An mvccpb.Event is spliced from the stored record, whose bytes are those of
// an mvccpb.KeyValue already, so a change is encoded once for all its watchers, and once more for
// those that also want the previous pair. The bytes are what protobuf's own encoder would write.
// Pure functions and values; any thread.
#pragma once

#include "base/bytes.h"
#include "mvcc/change_source.h"

#include <cstdint>
#include <optional>

namespace quorate::mvcc {

// Appends the encoded event; `previous`, where present, becomes prev_kv.
void append_event(Bytes& out, const Change& change, const std::optional<RecordRef>& previous);

// Whether the key had a pair before this change that prev_kv should show: everything but a put that
// created the key. What the source left open is read from the record.
bool has_previous(const Change& change);

}  // namespace quorate::mvcc
