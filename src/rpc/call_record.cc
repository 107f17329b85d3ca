// SPDX-License-Identifier: Apache-2.0
#include "rpc/call_record.h"

#include "base/duration.h"
#include "base/log.h"
#include "base/log_line.h"
#include "rpc/request_text.h"

#include <algorithm>
#include <memory>

namespace quorate::rpc {

CallRecord& CallRecord::make(MethodInfo& method, const Clock& clock, int64_t warning_ns,
                             ByteView peer) {
    return *std::unique_ptr<CallRecord>(new CallRecord(method, clock, warning_ns, peer)).release();
}

CallRecord::CallRecord(MethodInfo& method, const Clock& clock, int64_t warning_ns, ByteView peer)
    : method_(method),
      clock_(clock),
      begun_ns_(clock.monotonic_ns()),
      warning_ns_(warning_ns),
      peer_size_(std::min(peer.size(), kPeerBytesMax)) {
    peer.copy(peer_.data(), peer_size_);
}

void CallRecord::request(ByteView message) {
    request_bytes_ = message.size();
    message.copy(request_.data(), kRequestBytesMax);
}

bool CallRecord::is_told_of(int64_t took_ns) const {
    return method_.type == MethodType::kUnary &&
           ((warning_ns_ > 0 && took_ns > warning_ns_) ||
            log::enabled(log::Level::kDebug, SourceLocation::current()));
}

void CallRecord::sent(ByteView message) {
    method_.metrics.sent.add();
    response_bytes_ = message.size();
    if (is_told_of(clock_.monotonic_ns() - begun_ns_)) {
        response_count_ = count_in_response(method_.path, message);
    }
}

void CallRecord::finished(Code code) {
    const std::unique_ptr<CallRecord> self(this);
    const int64_t took_ns = clock_.monotonic_ns() - begun_ns_;
    method_.metrics.ended(code, took_ns);
    if (is_told_of(took_ns)) {
        tell(took_ns);
    }
}

// etcd's words and fields, in which values show as their sizes.
void CallRecord::tell(int64_t took_ns) const {
    const ByteView kept(request_.data(), std::min(request_bytes_, kRequestBytesMax));
    const RequestText request = describe_request(method_.path, kept);
    std::string begun;
    log::append_time(begun, (clock_.unix_ns() - took_ns) / 1000);
    const log::Fields fields = {
        {"start time", begun},
        {"time spent", format_duration(took_ns)},
        {"remote", ByteView(peer_.data(), peer_size_)},
        {"response type", method_.path},
        {"request count", request.count},
        {"request size", request_bytes_},
        {"response count", response_count_},
        {"response size", response_bytes_},
        {"request content", request.text},
    };
    if (warning_ns_ > 0 && took_ns > warning_ns_) {
        log::warn("request stats", fields);
    } else {
        log::debug("request stats", fields);
    }
}

}  // namespace quorate::rpc
