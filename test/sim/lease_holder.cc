// SPDX-License-Identifier: Apache-2.0
#include "sim/actors.h"
#include "sim/protocol.h"

#include <algorithm>

namespace quorate::sim {
namespace {

constexpr int64_t kSecond_ns = 1'000'000'000;
constexpr int64_t kTimeout_ns = 3 * kSecond_ns;

}  // namespace

LeaseHolder::LeaseHolder(Surroundings world, int64_t id, History& history)
    : world_(world),
      id_(id),
      history_(history),
      random_(world.seed, "lease holder", static_cast<uint64_t>(id)) {}

void LeaseHolder::start() {
    world_.scheduler.after(random_.between(0, kSecond_ns), [this] { grant(); });
}

void LeaseHolder::grant() {
    if (stopped_) {
        return;
    }
    etcdserverpb::LeaseGrantRequest request;
    request.set_id(id_ * 1'000'000 + static_cast<int64_t>(++leases_));
    request.set_ttl(random_.between(2, 8));
    const int64_t start_ns = world_.scheduler.now_ns();
    world_.network.call(
        world_.any_member(random_),
        {id_, "/etcdserverpb.Lease/LeaseGrant", request.SerializeAsString(), kTimeout_ns},
        [this, start_ns](const Status& status, const Bytes& answer) {
            etcdserverpb::LeaseGrantResponse response;
            if (!status.ok() || !response.ParseFromString(answer)) {
                world_.scheduler.after(random_.skewed(kSecond_ns / 10, 3), [this] { grant(); });
                return;
            }
            key_ = "lease/" + std::to_string(response.id());
            LeaseRecord& record = records_[key_];
            record.id = response.id();
            record.ttl_ns = response.ttl() * kSecond_ns;
            record.last_attempt_ns = world_.scheduler.now_ns();
            record.renewals.push_back({start_ns, world_.scheduler.now_ns()});
            renewals_left_ = random_.between(0, 12);
            hang_key();
        });
}

void LeaseHolder::hang_key() {
    Call call;
    call.client = id_;
    call.start_ns = world_.scheduler.now_ns();
    call.success = {{.kind = Operation::Kind::kPut,
                     .key = key_,
                     .value = "h" + std::to_string(id_) + "." + std::to_string(leases_),
                     .lease = records_[key_].id}};
    const Encoded encoded = encode(call);
    world_.network.call(world_.any_member(random_),
                        {id_, encoded.path, encoded.message, kTimeout_ns},
                        [this, call](const Status& status, const Bytes& answer) mutable {
                            if (status.ok() && decode_answer(answer, call)) {
                                call.end_ns = world_.scheduler.now_ns();
                            }
                            if (call.answered() || is_unknown_outcome(status)) {
                                history_.calls.push_back(call);
                            }
                            keep_alive();
                        });
}

void LeaseHolder::keep_alive() {
    LeaseRecord& record = records_[key_];
    if (stopped_ || renewals_left_-- <= 0) {
        end();
        return;
    }
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(record.id);
    const int64_t start_ns = world_.scheduler.now_ns();
    record.last_attempt_ns = start_ns + kTimeout_ns;  // it may arrive late
    world_.network.call(
        world_.any_member(random_),
        {id_, "/etcdserverpb.Lease/LeaseKeepAlive", request.SerializeAsString(), kTimeout_ns},
        [this, start_ns, key = key_](const Status& status, const Bytes& answer) {
            LeaseRecord& of_key = records_[key];
            etcdserverpb::LeaseKeepAliveResponse response;
            if (status.ok() && response.ParseFromString(answer)) {
                if (response.ttl() == 0) {
                    end();  // it has run out
                    return;
                }
                of_key.renewals.push_back({start_ns, world_.scheduler.now_ns()});
            }
            world_.scheduler.after(random_.between(0, of_key.ttl_ns / 2), [this] { keep_alive(); });
        });
}

void LeaseHolder::end() {
    if (random_.permille(200)) {
        LeaseRecord& record = records_[key_];
        record.revoke_start_ns = world_.scheduler.now_ns();
        etcdserverpb::LeaseRevokeRequest request;
        request.set_id(record.id);
        world_.network.call(
            world_.any_member(random_),
            {id_, "/etcdserverpb.Lease/LeaseRevoke", request.SerializeAsString(), kTimeout_ns},
            [](const Status&, const Bytes&) {});
    }
    world_.scheduler.after(random_.skewed(kSecond_ns / 10, 5), [this] { grant(); });
}

}  // namespace quorate::sim
