// SPDX-License-Identifier: Apache-2.0
#include "lease_load.h"

#include "base/errors.h"

namespace quorate::load {
namespace {

constexpr size_t kGrantsInFlight = 64;

// Grants leases and keeps their ids.
class GrantSource final : public RequestSource {
  public:
    GrantSource(uint64_t count, int64_t ttl_s) : count_(count) { request_.set_ttl(ttl_s); }

    std::optional<Request> next() override {
        if (asked_ == count_) {
            return std::nullopt;
        }
        ++asked_;
        return Request{Method::kLeaseGrant, &request_, Kind::kKeepAlive, 0};
    }

    const char* check(Kind, uint64_t, std::string_view bytes) override {
        if (!answer_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
            answer_.id() == 0 || answer_.ttl() < request_.ttl()) {
            return "wrong answer: lease not granted as asked";
        }
        ids_.push_back(answer_.id());
        return nullptr;
    }

    const std::vector<int64_t>& ids() const { return ids_; }

  private:
    const uint64_t count_;
    uint64_t asked_ = 0;
    std::vector<int64_t> ids_;
    etcdserverpb::LeaseGrantRequest request_;
    etcdserverpb::LeaseGrantResponse answer_;
};

}  // namespace

LeaseLoad::LeaseLoad(Loop& loop, std::vector<Connection*> connections, Shape shape,
                     Recorder& recorder)
    : loop_(loop), shape_(shape), recorder_(recorder) {
    for (size_t i = 0; i < connections.size() * shape.streams && i < shape.leases; ++i) {
        slots_.push_back({connections[i % connections.size()], nullptr, {}, 0});
    }
}

Status LeaseLoad::prepare() {
    GrantSource source(shape_.leases, shape_.ttl_s);
    Recorder grants;
    UnaryLoad load({slots_.front().connection}, kGrantsInFlight, source, grants);
    run_load(loop_, load, grants, Schedule{.start_ns = now_ns()}, nullptr);
    if (!grants.failures().empty()) {
        return {errors::kUnavailable, "granting leases: " + grants.failures().begin()->first};
    }
    for (size_t i = 0; i < source.ids().size(); ++i) {
        slots_[i % slots_.size()].leases.push_back(source.ids()[i]);
    }
    return {};
}

void LeaseLoad::begin(const Schedule& schedule) {
    pacer_.emplace(schedule);
    for (size_t i = 0; i < slots_.size(); ++i) {
        idle_.push_back(i);
    }
}

void LeaseLoad::pump(int64_t now) {
    while (!idle_.empty()) {
        Slot& slot = slots_[idle_.back()];
        if (!slot.connection->closed() && !issue(slot, now)) {
            return;
        }
        idle_.pop_back();
    }
}

bool LeaseLoad::finished(int64_t now) const {
    return in_flight_ == 0 && (idle_.empty() || pacer_->exhausted(now));
}

int64_t LeaseLoad::next_due_ns() const {
    return idle_.empty() ? kNever : pacer_->next_due_ns();
}

void LeaseLoad::conclude(int64_t now) {
    if (const uint64_t unsent = pacer_->unsent(now); unsent > 0) {
        recorder_.note_unsent(unsent);
    }
    if (in_flight_ > 0) {
        recorder_.fail("keep-alive not answered", in_flight_);
    }
}

bool LeaseLoad::issue(Slot& slot, int64_t now) {
    const std::optional<int64_t> start = pacer_->take(now);
    if (!start) {
        return false;
    }
    request_.set_id(slot.leases[slot.next]);
    if (slot.stream == nullptr) {
        slot.stream = &slot.connection->start(Method::kLeaseKeepAlive, request_,
                                              Connection::Sending::kStreaming, *this);
        slot.stream->tag = static_cast<uint64_t>(&slot - slots_.data());
    } else {
        slot.connection->send(*slot.stream, request_);
    }
    slot.stream->started_ns = *start;
    ++in_flight_;
    return true;
}

void LeaseLoad::on_message(Stream& stream, std::string_view message) {
    Slot& slot = slots_[stream.tag];
    const int64_t now = now_ns();
    --in_flight_;
    if (!answer_.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
        recorder_.fail("wrong answer: does not parse");
    } else if (answer_.id() != slot.leases[slot.next]) {
        recorder_.fail("wrong answer: another lease");
    } else if (answer_.ttl() <= 0) {
        recorder_.fail("wrong answer: the lease is gone");
    } else {
        recorder_.complete(Kind::kKeepAlive, stream.started_ns, now);
    }
    slot.next = (slot.next + 1) % slot.leases.size();
    if (!issue(slot, now)) {
        idle_.push_back(stream.tag);
    }
}

void LeaseLoad::on_end(Stream& stream, const GrpcStatus& status) {
    // The server ends a keep-alive stream only when something is wrong; its slot is lost.
    recorder_.fail("keep-alive stream ended: " + status.describe());
    Slot& slot = slots_[stream.tag];
    slot.stream = nullptr;
    const bool was_idle = std::erase(idle_, stream.tag) > 0;
    if (!was_idle) {
        --in_flight_;
    }
}

}  // namespace quorate::load
