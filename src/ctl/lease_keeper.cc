// SPDX-License-Identifier: Apache-2.0
#include "ctl/lease_keeper.h"

#include "base/errors.h"
#include "ctl/methods.h"

#include <algorithm>

namespace quorate::ctl {
namespace {

constexpr int64_t kFirstTtl_s = 5;  // until the first answer says how long it lives
constexpr int64_t kRetry_ns = 500 * kMillisecond_ns;

}  // namespace

LeaseKeeper::LeaseKeeper(Client& client, int64_t lease, int64_t ttl_s)
    : client_(client),
      lease_(lease),
      next_send_ns_(now_ns()),
      lives_until_ns_(now_ns() + (ttl_s > 0 ? ttl_s : kFirstTtl_s) * kSecond_ns) {}

int64_t LeaseKeeper::next_ns() const {
    return std::min(next_send_ns_, lives_until_ns_);
}

void LeaseKeeper::lose(const Call::End& end) {
    call_.reset();
    if (!client_.may_reopen(end)) {
        failure_ = server_error(end.code, end.text);
    }
    next_send_ns_ = now_ns() + kRetry_ns;
}

void LeaseKeeper::send() {
    next_send_ns_ = now_ns() + kRetry_ns;
    if (call_ == nullptr) {
        auto call = client_.open(methods::kLeaseKeepAlive,
                                 {.requires_leader = true, .deadline_ns = kNever_ns});
        if (!call) {
            if (call.error().code() != Code::kDeadlineExceeded) {
                failure_ = call.error();
            }
            return;
        }
        call_ = std::move(call).value();
    }
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(lease_);
    call_->send(request.SerializeAsString());
}

std::optional<etcdserverpb::LeaseKeepAliveResponse> LeaseKeeper::pump() {
    if (expired_ || !failure_.ok()) {
        return std::nullopt;
    }
    if (call_ != nullptr) {
        if (const auto message = call_->take()) {
            etcdserverpb::LeaseKeepAliveResponse response;
            if (!response.ParseFromString(*message)) {
                failure_ = Status(errors::kInternal, "the answer is no LeaseKeepAliveResponse");
                return std::nullopt;
            }
            const int64_t ttl_ns = response.ttl() * kSecond_ns;
            expired_ = response.ttl() <= 0;
            next_send_ns_ = now_ns() + std::max(ttl_ns / 3, kRetry_ns);
            lives_until_ns_ = now_ns() + ttl_ns;
            return response;
        }
        if (const Call::End* end = call_->end()) {
            lose(*end);
        }
    }
    if (now_ns() >= lives_until_ns_) {
        expired_ = true;
    } else if (failure_.ok() && now_ns() >= next_send_ns_) {
        send();
    }
    return std::nullopt;
}

Result<std::unique_ptr<Session>> Session::start(Client& client, int64_t ttl_s,
                                                int64_t deadline_ns) {
    etcdserverpb::LeaseGrantRequest request;
    request.set_ttl(ttl_s);
    const auto granted =
        client.call<etcdserverpb::LeaseGrantResponse>(methods::kLeaseGrant, request, deadline_ns);
    if (!granted) {
        return granted.error();
    }
    return std::unique_ptr<Session>(new Session(client, granted->id(), granted->ttl()));
}

void Session::pump() {
    while (keeper_.pump()) {
    }
}

}  // namespace quorate::ctl
