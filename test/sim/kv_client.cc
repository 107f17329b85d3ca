// SPDX-License-Identifier: Apache-2.0
#include "sim/actors.h"
#include "sim/protocol.h"

#include <algorithm>

namespace quorate::sim {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kTimeout_ns = 10'000 * kMillisecond_ns;
constexpr uint64_t kKeys = 6;
const std::string kPrefix = "k/";
const std::string kPrefixEnd = "k0";

}  // namespace

KvClient::KvClient(Surroundings world, int64_t id, History& history)
    : world_(world),
      id_(id),
      history_(history),
      random_(world.seed, "kv client", static_cast<uint64_t>(id)) {}

void KvClient::start() {
    world_.scheduler.after(random_.between(0, 200 * kMillisecond_ns), [this] { next(); });
}

void KvClient::next() {
    if (stopped_) {
        return;
    }
    if (world_.compactions && random_.permille(15)) {
        compact();
    }
    send(choose(), [this](bool answered) {
        const int64_t pause_ns =
            random_.skewed(answered ? kMillisecond_ns : 50 * kMillisecond_ns, 5);
        world_.scheduler.after(pause_ns, [this] { next(); });
    });
}

std::string KvClient::any_key() {
    return kPrefix + static_cast<char>('a' + random_.below(kKeys));
}

Operation KvClient::put(const std::string& key) {
    return {.kind = Operation::Kind::kPut,
            .key = key,
            .value = "c" + std::to_string(id_) + "." + std::to_string(++values_)};
}

int64_t KvClient::mod_revision(const std::string& key) const {
    const auto it = known_.find(key);
    return it == known_.end() ? 0 : it->second;
}

Call KvClient::choose() {
    Call call;
    call.client = id_;
    const std::string key = any_key();
    const Operation get{.kind = Operation::Kind::kRange, .key = key};
    const Operation list{.kind = Operation::Kind::kRange, .key = kPrefix, .range_end = kPrefixEnd};
    const uint64_t what = random_.below(100);
    if (what < 30) {
        call.success = {put(key)};
    } else if (what < 52) {
        call.success = {get};
    } else if (what < 72) {
        // Compare and swap against what this client saw last.
        call.compares = {{.key = key, .mod_revision = mod_revision(key)}};
        call.success = {put(key)};
        call.failure = {get};
    } else if (what < 78) {
        call.success = {{.kind = Operation::Kind::kDelete, .key = key}};
    } else if (what < 86) {
        call.success = {list};
    } else if (what < 90) {
        call.serializable = true;
        call.success = {random_.permille(500) ? get : list};
    } else if (what < 94) {
        call.success = {list};
        call.success.front().revision =
            std::max<int64_t>(1, revision_ - static_cast<int64_t>(random_.below(30)));
    } else if (what < 98) {
        // Several keys at once, and a look at the result from within.
        call.success = {put(key), list};
        const std::string other = any_key();
        if (other != key) {
            call.success.insert(call.success.begin(), put(other));
        }
    } else {
        call.success = {
            {.kind = Operation::Kind::kDelete, .key = kPrefix + "d", .range_end = kPrefixEnd}};
    }
    return call;
}

void KvClient::send(Call call, const std::function<void(bool answered)>& then) {
    call.start_ns = world_.scheduler.now_ns();
    const Encoded encoded = encode(call);
    world_.network.call(
        world_.any_member(random_), {id_, encoded.path, encoded.message, kTimeout_ns},
        [this, call = std::move(call), then](const Status& status, const Bytes& answer) mutable {
            if (status.ok()) {
                if (!decode_answer(answer, call)) {
                    throw Violation("an answer that can't be read to " + describe(call));
                }
                call.end_ns = world_.scheduler.now_ns();
                learn(call);
                history_.calls.push_back(std::move(call));
            } else if (is_unknown_outcome(status)) {
                const bool changes = std::any_of(
                    call.success.begin(), call.success.end(), [](const Operation& operation) {
                        return operation.kind != Operation::Kind::kRange;
                    });
                if (changes) {
                    history_.calls.push_back(std::move(call));
                }
            }
            then(status.ok());
        });
}

void KvClient::learn(const Call& call) {
    revision_ = std::max(revision_, call.revision);
    for (size_t i = 0; i < call.results.size(); ++i) {
        const Operation& operation = call.branch()[i];
        switch (operation.kind) {
            case Operation::Kind::kPut:
                known_[operation.key] = call.revision;
                break;
            case Operation::Kind::kDelete:
                known_.erase(operation.key);
                break;
            case Operation::Kind::kRange:
                if (operation.revision == 0 && operation.range_end.empty()) {
                    known_.erase(operation.key);
                }
                for (const KeyValue& kv : call.results[i].kvs) {
                    known_[kv.key] = kv.mod_revision;
                }
                break;
        }
    }
}

void KvClient::compact() {
    const int64_t revision = revision_ - static_cast<int64_t>(random_.below(60));
    if (revision < 2) {
        return;
    }
    newest_compaction_ = std::max(newest_compaction_, revision);
    etcdserverpb::CompactionRequest request;
    request.set_revision(revision);
    request.set_physical(random_.permille(500));
    world_.network.call(world_.any_member(random_),
                        {id_, "/etcdserverpb.KV/Compact", request.SerializeAsString(), kTimeout_ns},
                        [](const Status&, const Bytes&) {});
}

void KvClient::read_at_the_end() {
    Call call;
    call.client = id_;
    call.success = {{.kind = Operation::Kind::kRange, .key = kPrefix, .range_end = kPrefixEnd}};
    send(std::move(call), [this](bool answered) {
        has_read_ = answered;
        if (!answered) {
            world_.scheduler.after(100 * kMillisecond_ns, [this] { read_at_the_end(); });
        }
    });
}

}  // namespace quorate::sim
