// SPDX-License-Identifier: Apache-2.0
#include "wire/watch_response.h"

namespace quorate::wire {

Bytes encode_watch_response(Header header, const mvcc::WatchMessage& message) {
    constexpr uint32_t kEvents = 11;
    constexpr size_t kSmallFields = 64;
    constexpr size_t kFrame = 6;  // tag and length of one event
    header.revision = message.revision;
    Bytes out;
    out.reserve(kSmallFields + message.cancel_reason.size() + message.events_bytes +
                kFrame * message.events.size());
    append_header(out, header);
    append_int(out, 2, message.watch_id);
    append_bool(out, 3, message.created);
    append_bool(out, 4, message.canceled);
    append_int(out, 5, message.compact_revision);
    append_bytes(out, 6, message.cancel_reason);
    append_bool(out, 7, message.fragment);
    for (const ByteView event : message.events) {
        append_message(out, kEvents, event);
    }
    return out;
}

}  // namespace quorate::wire
