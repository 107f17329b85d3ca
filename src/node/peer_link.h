// SPDX-License-Identifier: Apache-2.0
//
// The way to one other member: two streams of messages on a connection each, so that a heartbeat
// never stands behind a megabyte of entries, and calls for single answers. A stream that ends is
// opened again, with a pause that grows; meanwhile messages are dropped, which Raft expects.
// Thread: raft loop; the transport's threads only put tasks into its mailbox.
#pragma once

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "cluster/member.h"
#include "node/messages.h"
#include "raft/message.h"
#include "transport/client.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace quorate::node {

// What all links of a member share; outlives them.
struct LinkSettings {
    transport::Client& client;
    Mailbox<RaftInput>& raft;
    uint64_t cluster_id = 0;
    uint64_t self = 0;
    const std::string& own_urls;  // where others reach this member, with commas between
    std::string local_address;    // that calls come from; empty: the system chooses
    // For https URLs.
    std::function<std::unique_ptr<transport::Tls>()> tls;
    // A peer knows that this member was removed.
    std::function<void()> on_removed;
    metrics::Registry& metrics;
    const Clock& clock;
};

// Names and values of the metadata that every call between members carries.
struct LinkHeaders {
    static constexpr ByteView kCluster = "quorate-cluster-id";
    static constexpr ByteView kFrom = "quorate-from";
    static constexpr ByteView kFromUrls = "quorate-from-urls";
    static constexpr ByteView kTo = "quorate-to";
    static constexpr ByteView kProtocol = "quorate-protocol";
    static constexpr ByteView kProtocolVersion = "1";
};

// The value of kFromUrls.
std::string join_urls(const std::vector<std::string>& urls);
std::vector<std::string> split_urls(ByteView text);

// What measures the way to a peer and back.
inline constexpr ByteView kPingMethod = "Ping";

// How the end of a call says that its maker is no member any more.
inline constexpr ByteView kRemovedText = "the member has been permanently removed from the cluster";

class PeerLink {
  public:
    PeerLink(const LinkSettings& settings, const cluster::Member& peer);
    ~PeerLink();

    bool send(raft::Priority priority, ByteView message);
    // Opens what is down and due.
    void tick(int64_t now_ns);
    std::optional<int64_t> connected_since_ns() const { return urgent().connected_since_ns; }

    // `done` gets the answer or the reason why there is none, on a thread of the transport.
    using Done = std::function<void(Result<Bytes>)>;
    void call(ByteView path, ByteView request, uint64_t timeout_ms, Done done);
    // A stream of its own on a connection of its own, for a snapshot.
    Result<std::unique_ptr<transport::Connection>> dial() const;
    Result<transport::Request> open(transport::Connection& connection, ByteView path,
                                    uint64_t timeout_ms,
                                    std::unique_ptr<transport::ClientCall> receiver) const;

    const cluster::Member& peer() const { return peer_; }

  private:
    class StreamCall;
    class AnswerCall;
    struct Life;

    struct Stream {
        std::unique_ptr<transport::Connection> connection;
        transport::Request request;
        uint64_t generation = 0;  // of `request`; what older ones tell is void
        bool crowded = false;     // until the transport has room again
        std::optional<int64_t> connected_since_ns;
        int64_t next_try_ns = 0;
        int64_t pause_ns = 0;
        std::string told;  // the last failure that was logged
    };
    enum class Event : uint8_t { kConnected, kWritable };

    Stream& stream_for(raft::Priority priority);
    const Stream& urgent() const { return streams_[0]; }
    void open(Stream& stream);
    void take_event(size_t stream, uint64_t generation, Event event);
    void take_end(size_t stream, uint64_t generation, const Status& status);
    void rest(Stream& stream, const Status& why);
    void ping_if_due();

    const LinkSettings& settings_;
    const cluster::Member peer_;
    size_t next_url_ = 0;
    int64_t now_ns_ = 0;
    std::array<Stream, 2> streams_;
    std::unordered_map<uint64_t, transport::Request> calls_;  // that wait for their answer
    uint64_t calls_made_ = 0;
    // Tasks on their way to the raft loop find out by this that the link is gone.
    std::shared_ptr<Life> life_;

    metrics::Counter& sent_bytes_;
    metrics::Counter& failures_;
    metrics::Gauge& active_;
    metrics::Gauge& known_;
    metrics::Counter& disconnects_;
    metrics::Histogram& round_trip_seconds_;
    int64_t next_ping_ns_ = 0;
};

}  // namespace quorate::node
