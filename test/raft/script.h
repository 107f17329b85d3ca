// SPDX-License-Identifier: Apache-2.0
//
// Runs one script: a cluster of model hosts, driven by commands, whose every message and effect is
// printed. test/raft/scripts/README.md lists the commands.
#pragma once

#include "raft/model_host.h"

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::raft {

class Script {
  public:
    // Runs one line and returns what it prints.
    std::string run(const std::string& line);

  private:
    using Words = std::vector<std::string>;

    struct Arguments {
        Words plain;
        std::map<std::string, std::string> named;  // key=value

        uint64_t number(size_t position) const { return std::stoull(plain.at(position)); }
        uint64_t number(const std::string& key, uint64_t otherwise) const;
        bool off(const std::string& key) const;
        std::string rest(size_t position) const;
    };

    void nodes(const Arguments& arguments);
    void join(const Arguments& arguments);
    void tick(const Arguments& arguments);
    void propose(const Arguments& arguments);
    void ready(MemberId id);
    void sync(MemberId id);
    void apply(MemberId id);
    void deliver(const Arguments& arguments);
    void drop(const Arguments& arguments);
    void inject(const Arguments& arguments);
    void stabilize(const Arguments& arguments);
    void status(MemberId id);
    void log(MemberId id);
    bool run_cluster(const Arguments& arguments);
    bool run_node(const Arguments& arguments);

    bool matches(const Arguments& arguments, const Message& message) const;
    void hand_over(Envelope&& envelope);
    void send(std::vector<Envelope>&& envelopes);
    void print(std::string_view text);
    void print_result(const Status& status);
    ModelHost& host(MemberId id);

    Config config_;
    std::map<MemberId, ModelHost> hosts_;
    std::deque<Envelope> network_;
    bool apply_by_itself_ = true;
    std::string indent_;
    std::string output_;
};

}  // namespace quorate::raft
