// SPDX-License-Identifier: Apache-2.0
//
// Watches that go on over lost connections: several of them on one stream, each of which resumes
// behind the last event it gave, on whatever member answers. Events come in order, none twice and
// none left out; when the server has compacted what was missed, the watch ends and says so. The
// command's thread.
#pragma once

#include "base/status.h"
#include "ctl/client.h"
#include "rpc.pb.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate::ctl {

class WatchStream {
  public:
    struct Item {
        size_t watch;  // what add() returned
        // Events, or progress, or the last one of this watch, with canceled set.
        etcdserverpb::WatchResponse response;
    };

    // `client` outlives the stream.
    explicit WatchStream(Client& client) : client_(client) {}

    // `create` says key, range and start; ids are of no interest.
    size_t add(const etcdserverpb::WatchCreateRequest& create);
    void remove(size_t watch);
    void request_progress();

    // What has come in, without waiting. Opens the stream, and opens it again, when it is time.
    std::optional<Item> take();
    // The latest time to call take() again even if nothing wakes the client.
    int64_t next_try_ns() const { return call_ == nullptr ? try_at_ns_ : kNever_ns; }
    // Fails for good: no user, no permission to open a stream at all, and the like.
    const Status& failure() const { return failure_; }
    // Why it is not connected, once for each loss; empty otherwise.
    std::string take_trouble() { return std::exchange(trouble_, {}); }

    // Waits in the client for one, until the deadline.
    std::optional<Item> next(int64_t deadline_ns);

  private:
    struct Watch {
        etcdserverpb::WatchCreateRequest create;  // start_revision is where it resumes
        int64_t id = -1;                          // on this stream; -1: not created yet
        bool done = false;
    };

    void open();
    void lose(const Call::End& end);
    void send_create(size_t watch);
    void receive(etcdserverpb::WatchResponse response);
    void created(const etcdserverpb::WatchResponse& response);
    static bool is_progress(const etcdserverpb::WatchResponse& response);
    void note_progress(Watch& watch, const etcdserverpb::WatchResponse& response);

    Client& client_;
    std::unique_ptr<Call> call_;
    std::map<size_t, Watch> watches_;
    std::deque<size_t> creating_;  // in the order of the requests, as they are answered
    std::map<int64_t, size_t> by_id_;
    std::deque<Item> items_;  // of one message
    size_t next_watch_ = 0;
    int64_t try_at_ns_ = 0;
    int64_t pause_ns_ = 0;
    bool progress_wanted_ = false;
    bool told_trouble_ = false;
    std::string trouble_;
    Status failure_;
};

// Why a watch was canceled, in the words of Go's client.
std::string cancel_text(const etcdserverpb::WatchResponse& response);

}  // namespace quorate::ctl
