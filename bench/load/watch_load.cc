// SPDX-License-Identifier: Apache-2.0
#include "watch_load.h"

#include "base/bytes.h"
#include "base/errors.h"

#include <algorithm>

namespace quorate::load {
namespace {

constexpr int64_t kCreateTimeoutNs = 60 * kSecondNs;
constexpr size_t kStampBytes = 16;

}  // namespace

WatchLoad::WatchLoad(Loop& loop, std::vector<Connection*> connections, Connection& writer,
                     Shape shape, Recorder& recorder)
    : loop_(loop),
      connections_(std::move(connections)),
      writer_(writer),
      shape_(std::move(shape)),
      recorder_(recorder),
      values_(shape_.value_size, shape_.seed),
      last_revision_(shape_.watchers) {}

Status WatchLoad::prepare() {
    streams_.reserve(shape_.streams);
    size_t first = 0;
    for (size_t i = 0; i < shape_.streams; ++i) {
        const size_t share = (shape_.watchers - first) / (shape_.streams - i);
        open_stream(*connections_[i % connections_.size()], first, share);
        first += share;
    }
    const int64_t give_up_ns = now_ns() + kCreateTimeoutNs;
    while (created_ < shape_.watchers && !broken_ && now_ns() < give_up_ns) {
        loop_.turn(kSecondNs);
    }
    if (created_ < shape_.watchers) {
        const auto& failures = recorder_.failures();
        return {errors::kUnavailable,
                "creating watchers: " + (failures.empty() ? "no answer" : failures.begin()->first)};
    }
    return {};
}

void WatchLoad::open_stream(Connection& connection, size_t first_watcher, size_t watchers) {
    WatchStream one{nullptr, first_watcher, watchers};
    etcdserverpb::WatchRequest request;
    for (size_t i = 0; i < watchers; ++i) {
        etcdserverpb::WatchCreateRequest& create = *request.mutable_create_request();
        create.set_watch_id(static_cast<int64_t>(i) + 1);
        if (shape_.prefix) {
            make_key(shape_.keys, 0, *create.mutable_key());
            make_key(shape_.keys, shape_.watched_keys - 1, *create.mutable_range_end());
            create.mutable_range_end()->push_back('\0');
        } else {
            make_key(shape_.keys, (first_watcher + i) % shape_.watched_keys, *create.mutable_key());
        }
        if (one.stream == nullptr) {
            one.stream =
                &connection.start(Method::kWatch, request, Connection::Sending::kStreaming, *this);
            one.stream->tag = streams_.size();
        } else {
            connection.send(*one.stream, request);
        }
    }
    streams_.push_back(one);
}

void WatchLoad::pump(int64_t now) {
    while (!writer_.closed() && window_open()) {
        const std::optional<int64_t> start = pacer_->take(now);
        if (!start) {
            return;
        }
        write(*start);
    }
}

bool WatchLoad::finished(int64_t now) const {
    return broken_ || (waiting_.empty() && pacer_->exhausted(now));
}

int64_t WatchLoad::next_due_ns() const {
    return window_open() ? pacer_->next_due_ns() : kNever;
}

void WatchLoad::conclude(int64_t now) {
    if (const uint64_t unsent = pacer_->unsent(now); unsent > 0) {
        recorder_.note_unsent(unsent);
    }
    size_t missing = 0;
    for (const size_t count : waiting_) {
        missing += count;
    }
    if (missing > 0) {
        recorder_.fail("event or put answer missing", missing);
    }
}

bool WatchLoad::window_open() const {
    return shape_.window == 0 || waiting_.size() < shape_.window;
}

size_t WatchLoad::fanout(uint64_t sequence) const {
    if (shape_.prefix) {
        return shape_.watchers;
    }
    const uint64_t key = sequence % shape_.watched_keys;
    const size_t extra = key < shape_.watchers % shape_.watched_keys ? 1 : 0;
    return shape_.watchers / shape_.watched_keys + extra;
}

void WatchLoad::write(int64_t intended_ns) {
    const uint64_t sequence = oldest_ + waiting_.size();
    waiting_.push_back(fanout(sequence) + 1);
    make_key(shape_.keys, sequence % shape_.watched_keys, *put_.mutable_key());
    std::string& value = *put_.mutable_value();
    value.assign(values_.next());
    store_le64(value.data(), static_cast<uint64_t>(intended_ns));
    store_le64(value.data() + 8, sequence);
    Stream& stream = writer_.start(Method::kPut, put_, Connection::Sending::kUnary, *this);
    stream.tag = sequence;
    stream.started_ns = intended_ns;
}

void WatchLoad::settle(uint64_t sequence) {
    const uint64_t index = sequence - oldest_;
    if (index >= waiting_.size() || waiting_[index] == 0) {
        recorder_.fail("wrong event: not waited for, or delivered twice");
        return;
    }
    --waiting_[index];
    while (!waiting_.empty() && waiting_.front() == 0) {
        waiting_.pop_front();
        ++oldest_;
    }
}

void WatchLoad::on_message(Stream& stream, std::string_view message) {
    if (stream.connection == &writer_) {
        on_put(stream, message);
    } else {
        on_watch(streams_[stream.tag], message);
    }
}

void WatchLoad::on_put(Stream& stream, std::string_view message) {
    if (!put_answer_.ParseFromArray(message.data(), static_cast<int>(message.size())) ||
        put_answer_.header().revision() <= 1) {
        stream.flaw = "wrong answer: put without a revision";
    }
}

void WatchLoad::on_watch(const WatchStream& stream, std::string_view message) {
    recorder_.add_bytes(message.size());
    etcdserverpb::WatchResponse& answer = watch_answer_;
    if (!answer.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
        recorder_.fail("wrong event: does not parse");
        return;
    }
    if (answer.canceled()) {
        recorder_.fail("watcher canceled: " + answer.cancel_reason());
        broken_ = true;
        return;
    }
    if (answer.created()) {
        ++created_;
    }
    const auto index = static_cast<uint64_t>(answer.watch_id() - 1);
    if (index >= stream.watchers) {
        recorder_.fail("wrong event: unknown watch id");
        return;
    }
    const int64_t now = now_ns();
    for (const mvccpb::Event& event : answer.events()) {
        on_event(stream.first_watcher + index, event, now);
    }
}

void WatchLoad::on_event(size_t watcher, const mvccpb::Event& event, int64_t now) {
    const mvccpb::KeyValue& kv = event.kv();
    if (event.type() != mvccpb::Event::PUT || kv.value().size() < kStampBytes) {
        recorder_.fail("wrong event: not one of our puts");
        return;
    }
    if (kv.mod_revision() <= last_revision_[watcher]) {
        recorder_.fail("wrong event: revisions do not rise");
    }
    last_revision_[watcher] = kv.mod_revision();
    const auto sent_ns = static_cast<int64_t>(load_le64(kv.value().data()));
    recorder_.complete(Kind::kEvent, sent_ns, now);
    settle(load_le64(kv.value().data() + 8));
    if (pacer_) {
        pump(now);
    }
}

void WatchLoad::on_end(Stream& stream, const GrpcStatus& status) {
    if (stream.connection != &writer_) {
        recorder_.fail("watch stream ended: " + status.describe());
        broken_ = true;
        return;
    }
    if (!status.ok() || stream.flaw != nullptr) {
        recorder_.fail(status.ok() ? stream.flaw : status.describe());
        broken_ = true;  // whether its events will come is not known
        return;
    }
    const int64_t now = now_ns();
    recorder_.complete(Kind::kPut, stream.started_ns, now);
    settle(stream.tag);
    pump(now);
}

}  // namespace quorate::load
