// SPDX-License-Identifier: Apache-2.0
//
// Sends the state of this member to peers whose next entry the log holds no more: the portable
// snapshot (snapshot/writer.h), piece by piece as the peer takes it, on a connection of its own. A
// thread of its own reads the engine, so that neither Raft nor clients wait for it, and in the
// background, so that they keep the processor; what is in memory is one piece, and what the
// transport may hold for one call.
// Thread: send() raft loop; the rest is its own.
#pragma once

#include "base/loop_thread.h"
#include "base/mailbox.h"
#include "node/peer_link.h"
#include "raft/message.h"
#include "storage/backend.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <variant>
#include <vector>

namespace quorate::node {

class SnapshotSender {
  public:
    SnapshotSender(const LinkSettings& settings, storage::Backend& backend,
                   std::function<void()> flush);
    ~SnapshotSender();

    // SnapshotSent follows for every call. The state that is sent is at least as new as
    // `request`'s.
    void send(const PeerLink& link, const raft::Message& request);

  private:
    class Transfer;
    class Receiver;
    struct Begin {
        uint64_t number;
        std::unique_ptr<Transfer> transfer;
    };
    struct Writable {
        uint64_t number;
    };
    struct Ended {
        uint64_t number;
        Status status;
    };
    using Input = std::variant<Begin, Writable, Ended>;

    int64_t turn();
    void take(Begin& begin);
    void take(const Writable& writable);
    void take(const Ended& ended);
    void finish(uint64_t number, const Status& status);

    const LinkSettings& settings_;
    storage::Backend& backend_;
    const std::function<void()> flush_;
    uint64_t begun_ = 0;  // raft loop
    LoopThread thread_{"snapshot", LoopThread::Importance::kBackground};
    Mailbox<Input> inbox_;
    std::vector<Input> inputs_;
    std::map<uint64_t, std::unique_ptr<Transfer>> transfers_;
};

}  // namespace quorate::node
