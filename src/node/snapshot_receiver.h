// SPDX-License-Identifier: Apache-2.0
//
// Takes a snapshot that a peer sends: pieces go to a file as they come, the whole is checked, and
// only then Raft hears of it. The stream is held back while the disk is behind, so memory holds a
// few pieces. The state is replaced at the next start, which the node asks for once its log says
// so: a crash at any moment leaves the old state, or a log and a file that together are the new.
// Thread: start, take and end on the call's thread; files are written on the read pool.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "node/node.h"
#include "raft/message.h"
#include "transport/transport.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace quorate::node {

class SnapshotReceiver {
  public:
    // `dir` is DataPaths::snapshot_dir.
    SnapshotReceiver(Node& node, FileSystem& fs, std::string dir);

    // The receiving side of a call of quorate.peer.Peer/Snapshot. One at a time: others are
    // refused, and asked for again soon. But the first one gives up for the next if its sender says
    // nothing: a machine that lost power closes no connection, and its successor waits here.
    std::unique_ptr<transport::Call> open(transport::Reply reply);

  private:
    class Incoming;
    class IncomingCall;

    Node& node_;
    FileSystem& fs_;
    const std::string dir_;
    std::atomic<bool> busy_{false};
    std::mutex mutex_;
    std::weak_ptr<Incoming> incoming_;  // the newest
    metrics::Histogram& save_seconds_;
    metrics::Histogram& sync_seconds_;
};

// The file of the snapshot that ends with the entry `index`.
std::string snapshot_file(const std::string& dir, uint64_t index);

}  // namespace quorate::node
