// SPDX-License-Identifier: Apache-2.0
#include "sim/administrator.h"

#include "cluster/member.h"
#include "node/identity.h"
#include "rpc.pb.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace quorate::sim {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kTimeout_ns = 3000 * kMillisecond_ns;
// A change that nobody waits for any more may still happen: a member passes it on for as long as a
// request may take, and a leader that is frozen (up to 5.2 s) takes it when it wakes.
constexpr int64_t kLateMax_ns = 8000 * kMillisecond_ns;
constexpr int64_t kAdministrator = 1000;  // as a client of the network
constexpr int kVotersMin = 3;             // below, the loss of one would be the end

std::string peer_url(const Member& member) {
    return "http://" + member.name() + ":2380";
}

const etcdserverpb::Member* find(const etcdserverpb::MemberListResponse& list,
                                 const std::string& url) {
    const auto it =
        std::find_if(list.members().begin(), list.members().end(), [&](const auto& member) {
            return member.peerurls_size() == 1 && member.peerurls(0) == url;
        });
    return it == list.members().end() ? nullptr : &*it;
}

// What --initial-cluster-state=existing finds out.
node::Identity identity_of(const etcdserverpb::MemberListResponse& list, uint64_t id) {
    node::Identity identity;
    identity.cluster_id = list.header().cluster_id();
    identity.member_id = id;
    identity.origin = node::Origin::kJoined;
    identity.cluster_token = "etcd-cluster";
    for (const auto& listed : list.members()) {
        cluster::Member member;
        member.id = listed.id();
        member.name = listed.name();
        member.peer_urls = {listed.peerurls().begin(), listed.peerurls().end()};
        member.is_learner = listed.islearner();
        identity.members.push_back(std::move(member));
    }
    return identity;
}

}  // namespace

Administrator::Administrator(Surroundings world, Hands hands)
    : world_(world), hands_(std::move(hands)), random_(world.seed, "administrator") {}

void Administrator::start() {
    look_later();
}

void Administrator::stop() {
    stopped_ = true;
    settles_at_ns_ = world_.scheduler.now_ns() + kLateMax_ns;
}

void Administrator::look_later() {
    world_.scheduler.after(random_.skewed(20 * kMillisecond_ns, 4), [this] { look(); });
}

// That a machine is listed is true wherever it is read; that it is not, only in the newest list.
void Administrator::look() {
    newest_next_ = !newest_next_;
    const bool asked_in_peace = stopped_ && world_.scheduler.now_ns() >= settles_at_ns_;
    etcdserverpb::MemberListRequest request;
    request.set_linearizable(newest_next_);
    world_.network.call(
        world_.any_member(random_),
        {kAdministrator, "/etcdserverpb.Cluster/MemberList", request.SerializeAsString(),
         kTimeout_ns},
        [this, newest = newest_next_, asked_in_peace](const Status& status, const Bytes& answer) {
            etcdserverpb::MemberListResponse list;
            if (!status.ok() || !list.ParseFromString(answer) || list.members().empty()) {
                look_later();
                return;
            }
            take(list, newest);
            if (asked_in_peace && newest) {
                settled_ = true;
            } else if (stopped_ || random_.permille(300)) {
                look_later();
            } else {
                change(list);
            }
        });
}

void Administrator::take(const etcdserverpb::MemberListResponse& list, bool is_newest) {
    for (const auto& machine : world_.members) {
        const etcdserverpb::Member* listed = find(list, peer_url(*machine));
        if (machine->stage() == Member::Stage::kUnused && listed != nullptr) {
            ++changes_;
            machine->join(identity_of(list, listed->id()));
            hands_.start(*machine);
        } else if (machine->stage() == Member::Stage::kInService && listed == nullptr &&
                   is_newest) {
            ++changes_;
            hands_.retire(*machine);
        }
    }
}

void Administrator::change(const etcdserverpb::MemberListResponse& list) {
    std::vector<std::string> unused;
    for (const auto& machine : world_.members) {
        if (machine->stage() == Member::Stage::kUnused) {
            unused.push_back(peer_url(*machine));
        }
    }
    std::vector<uint64_t> voters;
    std::vector<uint64_t> learners;
    for (const auto& member : list.members()) {
        (member.islearner() ? learners : voters).push_back(member.id());
    }
    if (!learners.empty() && random_.permille(700)) {
        etcdserverpb::MemberPromoteRequest request;
        request.set_id(learners[0]);
        ask("MemberPromote", request.SerializeAsString());
    } else if (!unused.empty() && random_.permille(500)) {
        etcdserverpb::MemberAddRequest request;
        request.add_peerurls(unused[random_.below(unused.size())]);
        request.set_islearner(random_.permille(500));
        ask("MemberAdd", request.SerializeAsString());
    } else if (voters.size() > kVotersMin || (!learners.empty() && random_.permille(200))) {
        const auto& from = voters.size() > kVotersMin ? voters : learners;
        etcdserverpb::MemberRemoveRequest request;
        request.set_id(from[random_.below(from.size())]);
        ask("MemberRemove", request.SerializeAsString());
    } else {
        look_later();
    }
}

void Administrator::ask(const std::string& path, const std::string& message) {
    world_.network.call(world_.any_member(random_),
                        {kAdministrator, "/etcdserverpb.Cluster/" + path, message, kTimeout_ns},
                        [this](const Status&, const Bytes&) { look_later(); });
}

}  // namespace quorate::sim
