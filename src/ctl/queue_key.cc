// SPDX-License-Identifier: Apache-2.0
#include "ctl/queue_key.h"

#include "base/errors.h"
#include "ctl/go_text.h"
#include "ctl/methods.h"
#include "ctl/watch_stream.h"

#include <algorithm>

namespace quorate::ctl {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

void wait_with(Client& client, Session& session, int64_t deadline_ns, std::span<pollfd> also) {
    client.waiter().wait(std::min(deadline_ns, session.next_ns()), also);
    session.pump();
}

QueueKey::QueueKey(Client& client, Session& session, const std::string& name, int64_t timeout_ns)
    : client_(client),
      session_(session),
      prefix_(name + "/"),
      key_(prefix_ + hex(static_cast<uint64_t>(session.lease()))),
      timeout_ns_(timeout_ns) {}

Status QueueKey::enter(const std::string& value) {
    TxnRequest request;
    Compare& compare = *request.add_compare();
    compare.set_key(key_);
    compare.set_target(Compare::CREATE);
    compare.set_result(Compare::EQUAL);
    compare.set_create_revision(0);
    auto& put = *request.add_success()->mutable_request_put();
    put.set_key(key_);
    put.set_value(value);
    put.set_lease(session_.lease());
    *request.add_failure()->mutable_request_put() = put;
    request.add_failure()->mutable_request_range()->set_key(key_);
    const auto response = client_.call<TxnResponse>(methods::kTxn, request, deadline_ns());
    if (!response) {
        return response.error();
    }
    revision_ = response->header().revision();
    create_revision_ = revision_;
    if (!response->succeeded() && response->responses_size() == 2 &&
        response->responses(1).response_range().kvs_size() == 1) {
        create_revision_ = response->responses(1).response_range().kvs(0).create_revision();
    }
    return {};
}

// The youngest of the keys that are older than ours.
Result<RangeResponse> QueueKey::youngest_before_us() {
    RangeRequest request;
    request.set_key(prefix_);
    request.set_range_end(prefix_end(prefix_));
    request.set_limit(1);
    request.set_sort_target(RangeRequest::CREATE);
    request.set_sort_order(RangeRequest::DESCEND);
    request.set_max_create_revision(create_revision_ - 1);
    return client_.call<RangeResponse>(methods::kRange, request, deadline_ns());
}

Status QueueKey::wait_deleted(const Bytes& key, int64_t revision, Interrupts& interrupts) {
    WatchStream stream(client_);
    etcdserverpb::WatchCreateRequest create;
    create.set_key(key);
    create.set_start_revision(revision);
    stream.add(create);
    while (true) {
        while (const auto item = stream.take()) {
            if (item->response.canceled()) {
                return {errors::kUnavailable, cancel_text(item->response)};
            }
            for (const auto& event : item->response.events()) {
                if (event.type() == mvccpb::Event::DELETE) {
                    return {};
                }
            }
        }
        if (!stream.failure().ok()) {
            return stream.failure();
        }
        pollfd signals{interrupts.fd(), POLLIN, 0};
        wait_with(client_, session_, stream.next_try_ns(), {&signals, 1});
        if (session_.expired()) {
            return {errors::kUnavailable, "session expired"};
        }
        if (signals.revents != 0 && interrupts.take() != 0) {
            return errors::kContextCanceled;
        }
    }
}

Status QueueKey::wait_turn(Interrupts& interrupts) {
    while (true) {
        const auto before = youngest_before_us();
        if (!before) {
            return before.error();
        }
        if (before->kvs_size() == 0) {
            revision_ = std::max(revision_, before->header().revision());
            return {};
        }
        if (Status s = wait_deleted(before->kvs(0).key(), before->header().revision(), interrupts);
            !s.ok()) {
            static_cast<void>(leave());
            return s;
        }
    }
}

Result<RangeResponse> QueueKey::read() {
    RangeRequest request;
    request.set_key(key_);
    return client_.call<RangeResponse>(methods::kRange, request, deadline_ns());
}

Status QueueKey::leave() {
    TxnRequest request;
    Compare& compare = *request.add_compare();
    compare.set_key(key_);
    compare.set_target(Compare::CREATE);
    compare.set_result(Compare::EQUAL);
    compare.set_create_revision(create_revision_);
    request.add_success()->mutable_request_delete_range()->set_key(key_);
    return client_.call<TxnResponse>(methods::kTxn, request, deadline_ns()).error();
}

}  // namespace quorate::ctl
