// SPDX-License-Identifier: Apache-2.0
#include "ctl/watch_stream.h"

#include "base/errors.h"
#include "ctl/methods.h"

#include <algorithm>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr int64_t kPauseMin_ns = 50 * kMillisecond_ns;
constexpr int64_t kPauseMax_ns = kSecond_ns;

}  // namespace

std::string cancel_text(const etcdserverpb::WatchResponse& response) {
    if (response.compact_revision() != 0) {
        return std::string(errors::kCompacted.text);
    }
    return response.cancel_reason().empty() ? std::string(errors::kFutureRev.text)
                                            : response.cancel_reason();
}

size_t WatchStream::add(const etcdserverpb::WatchCreateRequest& create) {
    const size_t watch = next_watch_++;
    watches_[watch].create = create;
    if (call_ != nullptr) {
        send_create(watch);
    }
    return watch;
}

void WatchStream::remove(size_t watch) {
    const auto found = watches_.find(watch);
    if (found == watches_.end()) {
        return;
    }
    found->second.done = true;
    if (call_ != nullptr && found->second.id >= 0) {
        etcdserverpb::WatchRequest request;
        request.mutable_cancel_request()->set_watch_id(found->second.id);
        call_->send(request.SerializeAsString());
    }
}

void WatchStream::request_progress() {
    if (call_ == nullptr) {
        progress_wanted_ = true;
        return;
    }
    etcdserverpb::WatchRequest request;
    request.mutable_progress_request();
    call_->send(request.SerializeAsString());
}

void WatchStream::send_create(size_t watch) {
    etcdserverpb::WatchRequest request;
    *request.mutable_create_request() = watches_[watch].create;
    call_->send(request.SerializeAsString());
    creating_.push_back(watch);
}

void WatchStream::open() {
    if (now_ns() < try_at_ns_) {
        return;
    }
    auto call = client_.open(methods::kWatch, {.requires_leader = true, .deadline_ns = kNever_ns});
    if (!call) {
        if (call.error().code() == Code::kDeadlineExceeded) {
            lose({Code::kUnavailable, call.error().message(), true, now_ns()});
        } else {
            failure_ = call.error();
        }
        return;
    }
    call_ = std::move(call).value();
    creating_.clear();
    by_id_.clear();
    std::erase_if(watches_, [](const auto& one) { return one.second.done; });
    for (auto& [watch, state] : watches_) {
        state.id = -1;
        send_create(watch);
    }
    if (std::exchange(progress_wanted_, false)) {
        request_progress();
    }
}

void WatchStream::lose(const Call::End& end) {
    const std::string reason = client_.reason(end);
    call_.reset();
    if (!client_.may_reopen(end)) {
        failure_ = server_error(end.code, end.text);
        return;
    }
    if (!std::exchange(told_trouble_, true)) {
        trouble_ = reason;
    }
    pause_ns_ = std::clamp(pause_ns_ * 2, kPauseMin_ns, kPauseMax_ns);
    try_at_ns_ = now_ns() + pause_ns_;
}

bool WatchStream::is_progress(const etcdserverpb::WatchResponse& response) {
    return response.events().empty() && !response.canceled() && !response.created() &&
           response.compact_revision() == 0 && response.header().revision() != 0;
}

// Where the watch resumes after what it has given.
void WatchStream::note_progress(Watch& watch, const etcdserverpb::WatchResponse& response) {
    if (!response.events().empty()) {
        const auto& last = response.events(response.events_size() - 1);
        watch.create.set_start_revision(last.kv().mod_revision() + 1);
    } else if (is_progress(response)) {
        watch.create.set_start_revision(
            std::max(watch.create.start_revision(), response.header().revision() + 1));
    }
}

void WatchStream::created(const etcdserverpb::WatchResponse& response) {
    if (creating_.empty()) {
        return;
    }
    const size_t watch = creating_.front();
    creating_.pop_front();
    const auto found = watches_.find(watch);
    if (found == watches_.end()) {
        return;
    }
    if (response.canceled()) {
        found->second.done = true;
        items_.push_back({watch, response});
        return;
    }
    found->second.id = response.watch_id();
    by_id_[response.watch_id()] = watch;
    // "From now on" is from here, also for the next stream.
    if (found->second.create.start_revision() == 0) {
        found->second.create.set_start_revision(response.header().revision() + 1);
    }
    if (found->second.done) {
        remove(watch);
    }
}

void WatchStream::receive(etcdserverpb::WatchResponse response) {
    told_trouble_ = false;
    pause_ns_ = 0;
    if (response.created()) {
        created(response);
        return;
    }
    // Progress of the whole stream, asked for by hand.
    if (response.watch_id() == -1 && is_progress(response)) {
        for (auto& [watch, state] : watches_) {
            if (!state.done) {
                note_progress(state, response);
                items_.push_back({watch, response});
            }
        }
        return;
    }
    const auto found = by_id_.find(response.watch_id());
    if (found == by_id_.end()) {
        return;
    }
    Watch& watch = watches_[found->second];
    if (watch.done) {
        return;
    }
    note_progress(watch, response);
    watch.done = response.canceled() || response.compact_revision() != 0;
    if (watch.done) {
        response.set_canceled(true);
    }
    items_.push_back({found->second, std::move(response)});
}

std::optional<WatchStream::Item> WatchStream::take() {
    while (failure_.ok()) {
        if (!items_.empty()) {
            Item item = std::move(items_.front());
            items_.pop_front();
            return item;
        }
        if (call_ == nullptr) {
            open();
            if (call_ == nullptr) {
                return std::nullopt;
            }
        }
        if (const auto message = call_->take()) {
            etcdserverpb::WatchResponse response;
            if (!response.ParseFromString(*message)) {
                failure_ = Status(errors::kInternal, "the answer is no WatchResponse");
                return std::nullopt;
            }
            receive(std::move(response));
        } else if (const Call::End* end = call_->end()) {
            lose(*end);
        } else {
            return std::nullopt;
        }
    }
    return std::nullopt;
}

std::optional<WatchStream::Item> WatchStream::next(int64_t deadline_ns) {
    while (true) {
        if (auto item = take()) {
            return item;
        }
        if (!failure_.ok() || now_ns() >= deadline_ns) {
            return std::nullopt;
        }
        client_.waiter().wait(std::min(deadline_ns, next_try_ns()));
    }
}

}  // namespace quorate::ctl
