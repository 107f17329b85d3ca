// SPDX-License-Identifier: Apache-2.0
//
// A simulated member: a machine (disk, engine, clock) that outlives the runs of its server, and the
// run there is now, a real Node with the services on top. Clients reach it as they reach a server:
// by a method's path and encoded messages.
#pragma once

#include "base/fault_file_system.h"
#include "config/config.h"
#include "node/node.h"
#include "sim/engine.h"
#include "sim/loops.h"
#include "transport/client.h"
#include "transport/transport.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quorate::sim {

// What one run of a member calls others with.
class PeerClient : public transport::Client {
  public:
    virtual ~PeerClient() = default;
};

struct MemberOptions {
    std::string name;
    std::string initial_cluster;
    bool founder = true;  // else it is nobody's until it joins
    std::vector<std::string> arguments;
    int64_t drift_permille = 0;
    uint64_t wal_segment_bytes = 128 * 1024;
    uint64_t gather_entries = 1;
    // Wraps the disk, for mutants of it; null: as it is.
    std::function<std::unique_ptr<FileSystem>(FileSystem&)> wrap_disk;
    // Null: it is alone.
    std::function<std::unique_ptr<PeerClient>(class Member&)> make_client;
};

class Member {
  public:
    Member(Scheduler& scheduler, Loops& loops, const MemberOptions& options, uint64_t seed);
    ~Member();

    enum class Stage : uint8_t {
        kUnused,     // a machine that may become a member
        kInService,  // a member
        kRetired,    // was one
    };

    const std::string& name() const { return options_.name; }
    Stage stage() const { return stage_; }
    // Added to a cluster: the next start is its first.
    void join(const node::Identity& identity);
    void retire() { stage_ = Stage::kRetired; }
    // The server has said that it was removed from its cluster.
    bool says_it_was_removed() const { return says_it_was_removed_; }
    bool is_up() const { return run_ != nullptr; }
    bool is_ready() const;  // its log is applied
    uint64_t runs() const { return runs_; }
    FaultFileSystem& disk() { return disk_; }
    Engine& engine() { return engine_; }
    SimClock& clock() { return clock_; }
    Process& process();
    node::Node& node();
    std::string wal_dir() const { return paths_.wal_dir; }

    // Why it did not start, or ok().
    Status start();
    // SIGTERM.
    void stop();
    // The process ends between two instructions, with nothing of what it would have done.
    void kill();
    // The same, and the machine forgets what was not synced.
    void power_cut();
    // Called when the process has ended by itself or by the above.
    std::function<void(const std::string& why)> on_end;
    std::function<void()> after_turn;

    // The server's side of a call; the channel lives as long as the process or until done().
    transport::Call* begin_call(const std::string& path,
                                std::shared_ptr<transport::Reply::Channel> channel);
    // The same for calls of members; null when it was refused at once.
    transport::Call* begin_peer_call(const std::string& path,
                                     const std::vector<transport::Header>& headers,
                                     std::shared_ptr<transport::Reply::Channel> channel);
    void end_call(transport::Call* call);

  private:
    struct Run;

    void end_run();
    void give_up(node::EndReason reason);
    transport::Call* serve(transport::Handler& handler, const transport::CallInfo& info,
                           std::shared_ptr<transport::Reply::Channel> channel);

    const MemberOptions options_;
    Scheduler& scheduler_;
    Loops& loops_;
    Rng random_;
    SimClock clock_;
    FaultFileSystem disk_;
    std::unique_ptr<FileSystem> wrapped_disk_;
    Engine engine_;
    config::Config config_;
    node::DataPaths paths_;
    Stage stage_;
    std::optional<node::Identity> joined_;
    std::unique_ptr<Run> run_;
    uint64_t runs_ = 0;
    bool says_it_was_removed_ = false;
};

}  // namespace quorate::sim
