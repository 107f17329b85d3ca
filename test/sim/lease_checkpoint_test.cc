// SPDX-License-Identifier: Apache-2.0
//
// Leases over a restart, in simulated time: with checkpoints a lease goes on from the newest one,
// without them it begins anew.
#include "rpc.pb.h"
#include "sim/client_network.h"
#include "sim/member.h"

#include <gtest/gtest.h>

namespace quorate::sim {
namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;

template <typename Answer, typename Request>
Answer ask(Scheduler& scheduler, ClientNetwork& network, Member& member, const std::string& path,
           const Request& request) {
    Answer answer;
    bool answered = false;
    network.call(member, {1, path, request.SerializeAsString(), 10 * kSecond_ns},
                 [&](const Status& status, const Bytes& bytes) {
                     EXPECT_TRUE(status.ok()) << status.message();
                     answered = answer.ParseFromString(bytes);
                 });
    scheduler.run_until(scheduler.now_ns() + 11 * kSecond_ns);
    EXPECT_TRUE(answered) << path;
    return answer;
}

// What is left of a lease of 1,000 seconds after 400 and a restart.
int64_t left_after_restart(const std::vector<std::string>& arguments) {
    Scheduler scheduler(1);
    Loops loops(scheduler, 1, [](const Process*, log::Level, const std::string&) {});
    ClientNetwork network(scheduler, loops, 1);
    MemberOptions options;
    options.name = "m1";
    options.initial_cluster = "m1=http://m1:2380";
    options.arguments = arguments;
    Member member(scheduler, loops, options, 1);
    member.on_end = [&](const std::string&) { network.member_ended(member); };
    member.after_turn = [] {};
    Status started = member.start();
    EXPECT_TRUE(started.ok()) << started.message();
    scheduler.run_until(10 * kSecond_ns);

    etcdserverpb::LeaseGrantRequest grant;
    grant.set_ttl(1000);
    const auto granted = ask<etcdserverpb::LeaseGrantResponse>(
        scheduler, network, member, "/etcdserverpb.Lease/LeaseGrant", grant);
    scheduler.run_until(410 * kSecond_ns);
    member.kill();
    started = member.start();
    EXPECT_TRUE(started.ok()) << started.message();
    scheduler.run_until(420 * kSecond_ns);

    etcdserverpb::LeaseTimeToLiveRequest look;
    look.set_id(granted.id());
    return ask<etcdserverpb::LeaseTimeToLiveResponse>(scheduler, network, member,
                                                      "/etcdserverpb.Lease/LeaseTimeToLive", look)
        .ttl();
}

TEST(LeaseCheckpoint, ALeaseGoesOnFromIt) {
    const int64_t left =
        left_after_restart({"--feature-gates=LeaseCheckpoint=true,LeaseCheckpointPersist=true"});
    EXPECT_GT(left, 600);
    EXPECT_LE(left, 702);
}

TEST(LeaseCheckpoint, WithoutOneALeaseBeginsAnew) {
    EXPECT_GT(left_after_restart({}), 950);
}

}  // namespace
}  // namespace quorate::sim
