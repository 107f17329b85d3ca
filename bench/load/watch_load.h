// SPDX-License-Identifier: Apache-2.0
//
// WatchLoad: watchers over many streams and a writer on a connection of its own. Every value
// carries when its put was to start and a sequence number, so each delivered event gives the
// latency from put to event; every watcher must see rising revisions, and every put must reach
// all its watchers exactly once. One thread.
#pragma once

#include "key_space.h"
#include "load.h"
#include "rpc.pb.h"
#include "values.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace quorate::load {

class WatchLoad final : public Load, private StreamHandler {
  public:
    struct Shape {
        KeyShape keys;
        uint64_t watched_keys = 1;  // written in turn
        size_t watchers = 0;
        size_t streams = 0;
        bool prefix = false;  // each watcher watches all keys
        size_t window = 0;    // puts whose events are not with every watcher yet; 0: no bound
        size_t value_size = 0;
        uint64_t seed = 0;
    };
    WatchLoad(Loop& loop, std::vector<Connection*> connections, Connection& writer, Shape shape,
              Recorder& recorder);

    Status prepare() override;  // creates the watchers
    void begin(const Schedule& schedule) override { pacer_.emplace(schedule); }
    void pump(int64_t now) override;
    bool finished(int64_t now) const override;
    int64_t next_due_ns() const override;
    void conclude(int64_t now) override;

  private:
    struct WatchStream {
        Stream* stream = nullptr;
        size_t first_watcher = 0;
        size_t watchers = 0;
    };

    void on_message(Stream& stream, std::string_view message) override;
    void on_end(Stream& stream, const GrpcStatus& status) override;
    void on_put(Stream& stream, std::string_view message);
    void on_watch(const WatchStream& stream, std::string_view message);
    void on_event(size_t watcher, const mvccpb::Event& event, int64_t now);
    void open_stream(Connection& connection, size_t first_watcher, size_t watchers);
    bool window_open() const;
    void write(int64_t intended_ns);
    void settle(uint64_t sequence);  // one of the deliveries that `sequence` waits for has come

    // How many watchers see a put of this sequence number.
    size_t fanout(uint64_t sequence) const;

    Loop& loop_;
    const std::vector<Connection*> connections_;
    Connection& writer_;
    const Shape shape_;
    Recorder& recorder_;
    Values values_;
    std::optional<Pacer> pacer_;

    std::vector<WatchStream> streams_;
    std::vector<int64_t> last_revision_;  // by watcher
    size_t created_ = 0;
    bool broken_ = false;

    // Puts from oldest_ on: what each still waits for, its answer and its events.
    std::deque<size_t> waiting_;
    uint64_t oldest_ = 0;

    etcdserverpb::PutRequest put_;
    etcdserverpb::PutResponse put_answer_;
    etcdserverpb::WatchResponse watch_answer_;
};

}  // namespace quorate::load
