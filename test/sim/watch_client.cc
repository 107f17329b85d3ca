// SPDX-License-Identifier: Apache-2.0
#include "sim/actors.h"
#include "sim/protocol.h"

#include <algorithm>

namespace quorate::sim {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;

}  // namespace

WatchClient::WatchClient(Surroundings world, int64_t id)
    : world_(world), id_(id), random_(world.seed, "watcher", static_cast<uint64_t>(id)) {
    record_.name = std::to_string(id);
    if (random_.permille(500)) {
        record_.key = "k/";
        record_.range_end = "k0";
    } else {
        record_.key = std::string("k/") + static_cast<char>('a' + random_.below(6));
    }
    record_.prev_kv = random_.permille(500);
    if (random_.permille(300)) {
        next_ = 2;  // from the beginning of time
        record_.start_revision = 2;
    }
}

WatchClient::~WatchClient() = default;

void WatchClient::start() {
    world_.scheduler.after(random_.between(0, 3000 * kMillisecond_ns), [this] { connect(); });
}

void WatchClient::connect() {
    const uint64_t connection = ++connection_;
    stream_ = world_.network.open_stream(
        world_.any_member(random_), id_, "/etcdserverpb.Watch/Watch",
        {.on_message =
             [this, connection](const Bytes& message) {
                 if (connection == connection_) {
                     on_message(message);
                 }
             },
         .on_end =
             [this, connection](const Status&) {
                 if (connection == connection_) {
                     world_.scheduler.after(random_.skewed(kMillisecond_ns, 9), [this, connection] {
                         if (connection == connection_) {
                             connect();
                         }
                     });
                 }
             }});
    etcdserverpb::WatchRequest request;
    auto* create = request.mutable_create_request();
    create->set_key(record_.key);
    create->set_range_end(record_.range_end);
    create->set_start_revision(next_);
    create->set_prev_kv(record_.prev_kv);
    stream_->send(request.SerializeAsString());
    // Connections end now and then without anybody's fault.
    world_.scheduler.after(random_.skewed(100 * kMillisecond_ns, 8), [this, connection] {
        if (connection == connection_) {
            connect();
        }
    });
}

void WatchClient::on_message(const Bytes& message) {
    etcdserverpb::WatchResponse response;
    if (!response.ParseFromString(message)) {
        throw Violation("watcher " + record_.name + ": an answer that can't be read");
    }
    if (response.canceled()) {
        if (response.compact_revision() == 0) {
            throw Violation("watcher " + record_.name +
                            ": canceled without a reason: " + response.cancel_reason());
        }
        record_.items.push_back(
            {.kind = WatchItem::Kind::kCompacted, .revision = response.compact_revision()});
        next_ = std::max(next_, response.compact_revision() + 1);
        connect();
        return;
    }
    if (response.created()) {
        if (next_ == 0) {
            next_ = response.header().revision() + 1;
            record_.start_revision = next_;
        }
        return;
    }
    for (const mvccpb::Event& event : response.events()) {
        WatchItem item;
        item.revision = event.kv().mod_revision();
        item.change = {from_proto(event.kv()), event.type() == mvccpb::Event::DELETE};
        if (event.has_prev_kv()) {
            item.previous = from_proto(event.prev_kv());
        }
        record_.items.push_back(std::move(item));
        next_ = event.kv().mod_revision() + 1;
    }
    if (response.events().empty()) {
        record_.items.push_back(
            {.kind = WatchItem::Kind::kProgress, .revision = response.header().revision()});
        next_ = std::max(next_, response.header().revision() + 1);
    }
}

void WatchClient::ask_for_progress() {
    etcdserverpb::WatchRequest request;
    request.mutable_progress_request();
    stream_->send(request.SerializeAsString());
}

}  // namespace quorate::sim
