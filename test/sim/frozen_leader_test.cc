// SPDX-License-Identifier: Apache-2.0
//
// A leader that is stopped, as by SIGSTOP, and wakes when another one leads: what waited for it is
// answered by the one who decides now.
#include "rpc.pb.h"
#include "sim/client_network.h"
#include "sim/member.h"
#include "sim/peer_network.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace quorate::sim {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kSecond_ns = 1000 * kMillisecond_ns;

class ThreeMembers {
  public:
    explicit ThreeMembers(uint64_t seed)
        : scheduler_(seed),
          loops_(scheduler_, seed, [](const Process*, log::Level, const std::string&) {}),
          network_(scheduler_, loops_, seed),
          peers_(scheduler_, loops_, seed) {
        // So that a loop's turn may come well before another's.
        loops_.set_latency(12);
        for (int i = 1; i <= 3; ++i) {
            MemberOptions options;
            options.name = "m" + std::to_string(i);
            options.initial_cluster = "m1=http://m1:2380,m2=http://m2:2380,m3=http://m3:2380";
            options.make_client = [this](Member& of) { return peers_.client_of(of); };
            members_.push_back(std::make_unique<Member>(scheduler_, loops_, options, seed));
            Member& made = *members_.back();
            peers_.add(made);
            made.on_end = [this, &made](const std::string&) {
                network_.member_ended(made);
                peers_.member_ended(made);
            };
            made.after_turn = [] {};
            const Status started = made.start();
            EXPECT_TRUE(started.ok()) << started.message();
        }
        run_for(10 * kSecond_ns);
    }

    void run_for(int64_t span_ns) { scheduler_.run_until(scheduler_.now_ns() + span_ns); }

    Member* leader_beside(const Member* other) {
        for (const auto& member : members_) {
            if (member.get() != other && member->node().status().leads()) {
                return member.get();
            }
        }
        return nullptr;
    }

    void freeze(Member& member, int64_t span_ns) {
        member.process().held_until_ns = scheduler_.now_ns() + span_ns;
    }

    template <typename Answer, typename Request>
    void ask(Member& member, const std::string& method, const Request& request, Answer& answer) {
        network_.call(
            member,
            {1, "/etcdserverpb.Lease/" + method, request.SerializeAsString(), 20 * kSecond_ns},
            [&answer](const Status& status, const Bytes& bytes) {
                EXPECT_TRUE(status.ok()) << status.message();
                EXPECT_TRUE(answer.ParseFromString(bytes));
            });
    }

  private:
    Scheduler scheduler_;
    Loops loops_;
    ClientNetwork network_;
    PeerNetwork peers_;
    std::vector<std::unique_ptr<Member>> members_;
};

class FrozenLeader : public testing::TestWithParam<uint64_t> {};

TEST_P(FrozenLeader, RenewsNoLeaseThatTheNextOneLetsEnd) {
    ThreeMembers cluster(GetParam());
    Member* const old_leader = cluster.leader_beside(nullptr);
    ASSERT_NE(old_leader, nullptr);
    etcdserverpb::LeaseGrantRequest grant;
    grant.set_ttl(8);
    etcdserverpb::LeaseGrantResponse granted;
    cluster.ask(*old_leader, "LeaseGrant", grant, granted);
    cluster.run_for(kSecond_ns);
    ASSERT_EQ(granted.ttl(), 8);

    cluster.freeze(*old_leader, 8 * kSecond_ns);
    cluster.run_for(8 * kSecond_ns - 10 * kMillisecond_ns);
    Member* const next_leader = cluster.leader_beside(old_leader);
    ASSERT_NE(next_leader, nullptr);
    // It waits in the socket of who is still stopped.
    etcdserverpb::LeaseKeepAliveRequest keep_alive;
    keep_alive.set_id(granted.id());
    etcdserverpb::LeaseKeepAliveResponse kept;
    cluster.ask(*old_leader, "LeaseKeepAlive", keep_alive, kept);
    cluster.run_for(7 * kSecond_ns);
    ASSERT_EQ(kept.ttl(), 8);

    etcdserverpb::LeaseTimeToLiveRequest look;
    look.set_id(granted.id());
    etcdserverpb::LeaseTimeToLiveResponse left;
    cluster.ask(*next_leader, "LeaseTimeToLive", look, left);
    cluster.run_for(500 * kMillisecond_ns);
    EXPECT_GE(left.ttl(), 0) << "gone before its holder thought so";
}

INSTANTIATE_TEST_SUITE_P(Seeds, FrozenLeader, testing::Range<uint64_t>(1, 11));

}  // namespace
}  // namespace quorate::sim
