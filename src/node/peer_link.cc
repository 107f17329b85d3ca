// SPDX-License-Identifier: Apache-2.0
#include "node/peer_link.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/url.h"
#include "config/values.h"

#include <algorithm>
#include <utility>

namespace quorate::node {
namespace {

constexpr ByteView kMessagesPath = "/quorate.peer.Peer/Messages";
constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kPauseMin_ns = 50 * kMillisecond_ns;
constexpr int64_t kPauseMax_ns = 2000 * kMillisecond_ns;
constexpr uint32_t kConnectTimeout_ms = 1000;
constexpr int64_t kPingInterval_ns = 5000 * kMillisecond_ns;
constexpr uint64_t kPingTimeout_ms = 4000;  // one at a time
constexpr uint32_t kWindowBytes = 16 * 1024 * 1024;
// Above what Raft has under way to one follower (raft::Config::inflight_bytes_max).
constexpr uint64_t kSendBufferBytes = 24 * 1024 * 1024;
constexpr uint64_t kAnswerBytesMax = 16 * 1024 * 1024;

bool tells_of_removal(const Status& status) {
    return status.message().find(kRemovedText) != std::string::npos;
}

Status status_of(const transport::CallEnd& end) {
    return Status::from_wire(static_cast<uint32_t>(end.code), std::string(end.text));
}

}  // namespace

std::string join_urls(const std::vector<std::string>& urls) {
    std::string text;
    for (const std::string& url : urls) {
        text += (text.empty() ? "" : ",") + url;
    }
    return text;
}

std::vector<std::string> split_urls(ByteView text) {
    return config::split_list(text);
}

struct PeerLink::Life {
    PeerLink* link;  // null: gone

    // Runs body(link) on the raft loop, if the link is still there then. Any thread.
    template <typename Body>
    static void tell(Mailbox<RaftInput>& raft, const std::weak_ptr<Life>& life, Body body) {
        raft.push_always(RaftTask([life, body = std::move(body)](RaftLoop&) mutable {
            const auto alive = life.lock();
            if (alive != nullptr && alive->link != nullptr) {
                body(*alive->link);
            }
        }));
    }
};

// One request, one answer. The transport's thread.
class PeerLink::AnswerCall final : public transport::ClientCall {
  public:
    AnswerCall(Mailbox<RaftInput>& raft, std::weak_ptr<Life> life, uint64_t number, Done done)
        : raft_(raft), life_(std::move(life)), number_(number), done_(std::move(done)) {}

    void on_message(ByteView message) override { answer_ = Bytes(message); }
    void on_end(const transport::CallEnd& end) override {
        if (end.code != Code::kOk) {
            done_(status_of(end));
        } else if (!answer_) {
            done_(Status(errors::kUnavailable, "the peer has answered nothing"));
        } else {
            done_(std::move(*answer_));
        }
        Life::tell(raft_, life_, [number = number_](PeerLink& link) { link.calls_.erase(number); });
    }

  private:
    Mailbox<RaftInput>& raft_;
    const std::weak_ptr<Life> life_;
    const uint64_t number_;
    const Done done_;
    std::optional<Bytes> answer_;
};

// The receiving half of a stream of messages: the peer says once that it takes them, and nothing
// else. The transport's thread.
class PeerLink::StreamCall final : public transport::ClientCall {
  public:
    StreamCall(Mailbox<RaftInput>& raft, std::weak_ptr<Life> life, size_t stream,
               uint64_t generation)
        : raft_(raft), life_(std::move(life)), stream_(stream), generation_(generation) {}

    void on_message(ByteView) override { tell(Event::kConnected); }
    void on_writable() override { tell(Event::kWritable); }
    void on_end(const transport::CallEnd& end) override {
        Status status = end.code == Code::kOk
                            ? Status(errors::kUnavailable, "the peer has closed the stream")
                            : status_of(end);
        Life::tell(raft_, life_,
                   [stream = stream_, generation = generation_, status](PeerLink& link) {
                       link.take_end(stream, generation, status);
                   });
    }

  private:
    void tell(Event event) {
        Life::tell(raft_, life_,
                   [stream = stream_, generation = generation_, event](PeerLink& link) {
                       link.take_event(stream, generation, event);
                   });
    }

    Mailbox<RaftInput>& raft_;
    const std::weak_ptr<Life> life_;
    const size_t stream_;
    const uint64_t generation_;
};

PeerLink::PeerLink(const LinkSettings& settings, const cluster::Member& peer)
    : settings_(settings),
      peer_(peer),
      life_(std::make_shared<Life>(Life{this})),
      sent_bytes_(settings.metrics.counter("etcd_network_peer_sent_bytes_total",
                                           "The total number of bytes sent to peers.",
                                           {{"To", cluster::format_id(peer.id)}})),
      failures_(settings.metrics.counter("etcd_network_peer_sent_failures_total",
                                         "The total number of send failures from peers.",
                                         {{"To", cluster::format_id(peer.id)}})),
      active_(settings.metrics.gauge(
          "etcd_network_active_peers", "The current number of active peer connections.",
          {{"Local", cluster::format_id(settings.self)}, {"Remote", cluster::format_id(peer.id)}})),
      known_(settings.metrics.gauge(
          "etcd_network_known_peers", "The current number of known peers.",
          {{"Local", cluster::format_id(settings.self)}, {"Remote", cluster::format_id(peer.id)}})),
      disconnects_(settings.metrics.counter(
          "etcd_network_disconnected_peers_total", "The total number of disconnected peers.",
          {{"Local", cluster::format_id(settings.self)}, {"Remote", cluster::format_id(peer.id)}})),
      round_trip_seconds_(settings.metrics.histogram(
          "etcd_network_peer_round_trip_time_seconds", "Round-Trip-Time histogram between peers",
          {0.0001, 2, 16}, {{"To", cluster::format_id(peer.id)}})) {
    known_.set(1);
}

PeerLink::~PeerLink() {
    life_->link = nullptr;
    active_.set(0);
    known_.set(0);
}

Result<std::unique_ptr<transport::Connection>> PeerLink::dial() const {
    if (peer_.peer_urls.empty()) {
        return Status(errors::kUnavailable, "the peer has no URL");
    }
    const auto url = Url::parse(peer_.peer_urls[next_url_ % peer_.peer_urls.size()]);
    if (!url) {
        return url.error();
    }
    transport::DialOptions options;
    options.host = transport::host_of(*url);
    options.port = url->port;
    options.tls = url->is_tls() ? settings_.tls() : nullptr;
    options.connect_timeout_ms = kConnectTimeout_ms;
    options.receive_bytes_max = kAnswerBytesMax;
    options.send_buffer_bytes = kSendBufferBytes;
    options.stream_window_bytes = kWindowBytes;
    options.connection_window_bytes = kWindowBytes;
    options.local_address = settings_.local_address;
    return settings_.client.dial(options);
}

Result<transport::Request> PeerLink::open(transport::Connection& connection, ByteView path,
                                          uint64_t timeout_ms,
                                          std::unique_ptr<transport::ClientCall> receiver) const {
    const std::string cluster = cluster::format_id(settings_.cluster_id);
    const std::string from = cluster::format_id(settings_.self);
    const std::string to = cluster::format_id(peer_.id);
    transport::CallStart start;
    start.path = path;
    start.timeout_ms = timeout_ms;
    start.headers = {{LinkHeaders::kCluster, cluster},
                     {LinkHeaders::kFrom, from},
                     {LinkHeaders::kFromUrls, settings_.own_urls},
                     {LinkHeaders::kTo, to},
                     {LinkHeaders::kProtocol, LinkHeaders::kProtocolVersion}};
    return connection.call(start, std::move(receiver));
}

void PeerLink::open(Stream& stream) {
    const auto index = static_cast<size_t>(&stream - streams_.data());
    if (stream.connection == nullptr) {
        auto connection = dial();
        if (!connection) {
            rest(stream, connection.error());
            return;
        }
        stream.connection = std::move(connection).value();
    }
    ++stream.generation;
    auto request =
        open(*stream.connection, kMessagesPath, 0,
             std::make_unique<StreamCall>(settings_.raft, life_, index, stream.generation));
    if (!request) {
        rest(stream, request.error());
        return;
    }
    stream.request = std::move(request).value();
    stream.crowded = false;
}

void PeerLink::tick(int64_t now_ns) {
    now_ns_ = now_ns;
    for (Stream& stream : streams_) {
        if (!stream.request && now_ns >= stream.next_try_ns) {
            open(stream);
        }
    }
    ping_if_due();
}

// On the connection of what is urgent, so it waits for what a heartbeat would wait for. It is also
// how a member that has nothing to say, such as a learner, hears that it was removed: the streams
// that it opened before end with its next message only.
void PeerLink::ping_if_due() {
    if (!urgent().connected_since_ns || now_ns_ < next_ping_ns_) {
        return;
    }
    next_ping_ns_ = now_ns_ + kPingInterval_ns;
    const Clock& clock = settings_.clock;
    call("/quorate.peer.Peer/" + Bytes(kPingMethod), {}, kPingTimeout_ms,
         [&clock, &seconds = round_trip_seconds_, on_removed = settings_.on_removed,
          begun_ns = clock.monotonic_ns()](const Result<Bytes>& answer) {
             if (answer) {
                 seconds.observe_ns(clock.monotonic_ns() - begun_ns);
             } else if (tells_of_removal(answer.error())) {
                 on_removed();
             }
         });
}

PeerLink::Stream& PeerLink::stream_for(raft::Priority priority) {
    return streams_[priority == raft::Priority::kUrgent ? 0 : 1];
}

bool PeerLink::send(raft::Priority priority, ByteView message) {
    Stream& stream = stream_for(priority);
    if (!stream.request || stream.crowded) {
        failures_.add();
        return false;
    }
    switch (stream.request.send(message)) {
        case transport::SendResult::kOk:
            break;
        case transport::SendResult::kBusy:
            stream.crowded = true;  // this one was taken
            break;
        case transport::SendResult::kGone:
            failures_.add();
            return false;
    }
    sent_bytes_.add(message.size());
    return true;
}

void PeerLink::take_event(size_t index, uint64_t generation, Event event) {
    Stream& stream = streams_[index];
    if (generation != stream.generation) {
        return;
    }
    if (event == Event::kWritable) {
        stream.crowded = false;
        return;
    }
    stream.connected_since_ns = now_ns_;
    stream.pause_ns = 0;
    if (index == 0) {
        active_.set(1);
        log::info("peer became active", {{"peer-id", cluster::format_id(peer_.id)}});
    }
    stream.told.clear();
}

void PeerLink::take_end(size_t index, uint64_t generation, const Status& status) {
    Stream& stream = streams_[index];
    if (generation != stream.generation) {
        return;
    }
    stream.request = {};
    if (stream.connected_since_ns && index == 0) {
        active_.set(0);
        disconnects_.add();
        log::warn("peer became inactive",
                  {{"peer-id", cluster::format_id(peer_.id)}, log::Field(status)});
    }
    if (tells_of_removal(status)) {
        settings_.on_removed();
    }
    rest(stream, status);
}

// The first try after a success comes at once with the next tick.
void PeerLink::rest(Stream& stream, const Status& why) {
    if (!stream.connected_since_ns) {
        stream.pause_ns = std::clamp(2 * stream.pause_ns, kPauseMin_ns, kPauseMax_ns);
    }
    stream.connected_since_ns.reset();
    stream.next_try_ns = now_ns_ + stream.pause_ns;
    stream.connection.reset();
    ++next_url_;
    if (&stream == streams_.data() && why.message() != stream.told) {
        stream.told = why.message();
        log::warn("can't reach a peer",
                  {{"peer-id", cluster::format_id(peer_.id)},
                   {"name", peer_.name},
                   {"url", peer_.peer_urls.empty() ? std::string() : peer_.peer_urls.front()},
                   log::Field(why)});
    }
}

void PeerLink::call(ByteView path, ByteView request, uint64_t timeout_ms, Done done) {
    Stream& stream = streams_[0];
    if (stream.connection == nullptr) {
        done(Status(errors::kUnavailable, "the leader can't be reached"));
        return;
    }
    const uint64_t number = ++calls_made_;
    auto opened = open(*stream.connection, path, timeout_ms,
                       std::make_unique<AnswerCall>(settings_.raft, life_, number, done));
    if (!opened) {
        done(opened.error());
        return;
    }
    static_cast<void>(opened->send(request));  // its end says what became of it
    opened->half_close();
    calls_.emplace(number, std::move(opened).value());
}

}  // namespace quorate::node
