// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.ResponseHeader, which begins every answer. Values, any thread.
#pragma once

#include "wire/proto_writer.h"

#include <cstdint>

namespace quorate::wire {

struct Header {
    uint64_t cluster_id = 0;
    uint64_t member_id = 0;
    int64_t revision = 0;
    uint64_t raft_term = 0;
};

inline Bytes encode_header(const Header& header) {
    Bytes encoded;
    append_uint(encoded, 1, header.cluster_id);
    append_uint(encoded, 2, header.member_id);
    append_int(encoded, 3, header.revision);
    append_uint(encoded, 4, header.raft_term);
    return encoded;
}

// As field 1 of an answer.
inline void append_header(Bytes& out, const Header& header) {
    append_message(out, 1, encode_header(header));
}

// As field 1 of an answer inside a transaction, which carries the revision alone.
inline void append_inner_header(Bytes& out, int64_t revision) {
    append_header(out, {.revision = revision});
}

}  // namespace quorate::wire
