// SPDX-License-Identifier: Apache-2.0
//
// What is kept of one call until it ends: when it began, who made it, and of a unary request so
// much as a log line shows. With the call's end it is counted, and a unary call that took longer
// than --warning-unary-request-duration is told of. Belongs to the call's Reply; any thread, one at
// a time.
#pragma once

#include "base/clock.h"
#include "rpc/method_metrics.h"
#include "transport/transport.h"

#include <array>
#include <cstdint>
#include <string>

namespace quorate::rpc {

// What all calls of a method share; outlives them.
struct MethodInfo {
    std::string path;
    MethodType type;
    MethodMetrics metrics;
};

class CallRecord final : public transport::Reply::Observer {
  public:
    // Its owner is the Reply that it is made to observe.
    static CallRecord& make(MethodInfo& method, const Clock& clock, int64_t warning_ns,
                            ByteView peer);

    // A unary call's message.
    void request(ByteView message);

    void sent(ByteView message) override;
    void finished(Code code) override;

  private:
    // A longer request is told of as far as it is kept.
    static constexpr size_t kRequestBytesMax = 384;
    static constexpr size_t kPeerBytesMax = 64;

    CallRecord(MethodInfo& method, const Clock& clock, int64_t warning_ns, ByteView peer);
    bool is_told_of(int64_t took_ns) const;
    void tell(int64_t took_ns) const;

    MethodInfo& method_;
    const Clock& clock_;
    const int64_t begun_ns_;
    const int64_t warning_ns_;  // 0: none
    size_t request_bytes_ = 0;
    size_t response_bytes_ = 0;
    int64_t response_count_ = -1;
    size_t peer_size_;
    std::array<char, kPeerBytesMax> peer_;
    std::array<char, kRequestBytesMax> request_;
};

}  // namespace quorate::rpc
