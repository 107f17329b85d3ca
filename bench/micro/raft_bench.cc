// SPDX-License-Identifier: Apache-2.0
//
// raft_bench: what the Raft core itself costs per entry, in CPU time: proposed, handed out to be
// written, acknowledged, handed out to be applied, compacted. The disk and the network are free.
// Prints one JSON object.
#include "raft/raft.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quorate::raft {
namespace {

constexpr size_t kPayloadBytes = 300;
constexpr uint64_t kEntriesPerSeries = 400000;
constexpr uint64_t kKeptEntries = 5000;  // what stays in the log for slow followers

double thread_cpu_ns() {
    struct timespec t {};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

// A cluster whose members' effects are carried out at once.
class Cluster {
  public:
    explicit Cluster(MemberId count) {
        Configuration configuration;
        for (MemberId id = 1; id <= count; ++id) {
            configuration.voters.push_back(id);
        }
        for (MemberId id = 1; id <= count; ++id) {
            Config config;
            config.self = id;
            config.seed = id;
            members_.push_back(std::make_unique<Raft>(config, new_cluster(configuration)));
        }
        leader().campaign();
        settle();
    }

    Raft& leader() { return *members_.front(); }

    void settle() {
        for (bool busy = true; busy;) {
            busy = false;
            for (const auto& member : members_) {
                while (member->has_ready()) {
                    carry_out(*member);
                    busy = true;
                }
            }
            for (Message& message : std::exchange(network_, {})) {
                Raft& to = *members_[message.to - 1];
                if (!to.step(std::move(message)).ok()) {
                    std::abort();
                }
            }
        }
    }

  private:
    void carry_out(Raft& member) {
        Ready ready = member.take_ready();
        send(ready.messages);
        if (ready.number != 0) {
            member.persisted(ready.number);
            send(ready.messages_after_persist);
        }
        if (!ready.committed.empty()) {
            member.applied(ready.committed.back().id.index);
            if (member.applied() > member.log_start().index + 2 * kKeptEntries) {
                member.compact_log(member.applied() - kKeptEntries);
            }
        }
    }

    void send(std::vector<Message>& messages) {
        std::move(messages.begin(), messages.end(), std::back_inserter(network_));
    }

    std::vector<std::unique_ptr<Raft>> members_;
    std::vector<Message> network_;
};

// CPU nanoseconds per entry, of the whole cluster.
double entry_ns(MemberId members, uint64_t batch) {
    Cluster cluster(members);
    const auto payload = std::make_shared<const Bytes>(kPayloadBytes, 'x');
    const uint64_t rounds = std::max<uint64_t>(kEntriesPerSeries / batch, 1);
    const uint64_t rounds_max = std::min<uint64_t>(rounds, 100000);
    const double before = thread_cpu_ns();
    for (uint64_t round = 0; round < rounds_max; ++round) {
        if (!cluster.leader().propose(std::vector<Payload>(batch, payload))) {
            std::abort();
        }
        cluster.settle();
    }
    return (thread_cpu_ns() - before) / static_cast<double>(rounds_max * batch);
}

// CPU nanoseconds per ReadIndex request, of the whole cluster.
double read_ns(MemberId members, uint64_t batch) {
    Cluster cluster(members);
    constexpr uint64_t kRounds = 20000;
    uint64_t id = 0;
    const double before = thread_cpu_ns();
    for (uint64_t round = 0; round < kRounds; ++round) {
        for (uint64_t i = 0; i < batch; ++i) {
            if (!cluster.leader().read_index(++id).ok()) {
                std::abort();
            }
        }
        cluster.settle();
    }
    return (thread_cpu_ns() - before) / static_cast<double>(kRounds * batch);
}

int run() {
    std::printf("{\n  \"payload_bytes\": %zu", kPayloadBytes);
    for (const MemberId members : {MemberId{1}, MemberId{3}, MemberId{5}}) {
        for (const uint64_t batch : {uint64_t{1}, uint64_t{10}, uint64_t{100}, uint64_t{1000}}) {
            std::printf(",\n  \"entry_ns_members_%llu_batch_%llu\": %.0f",
                        static_cast<unsigned long long>(members),
                        static_cast<unsigned long long>(batch), entry_ns(members, batch));
        }
        for (const uint64_t batch : {uint64_t{1}, uint64_t{100}}) {
            std::printf(",\n  \"read_ns_members_%llu_batch_%llu\": %.0f",
                        static_cast<unsigned long long>(members),
                        static_cast<unsigned long long>(batch), read_ns(members, batch));
        }
    }
    std::printf("\n}\n");
    return 0;
}

}  // namespace
}  // namespace quorate::raft

int main() {
    return quorate::raft::run();
}
