// SPDX-License-Identifier: Apache-2.0
//
// Random operations on a lessor and on its naive twin, a map that is scanned for everything.
#include "lease/lessor.h"
#include "storage/mem_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace quorate::lease {
namespace {

// What the lessor should say, written down without any cleverness.
class Twin {
  public:
    explicit Twin(const LessorOptions& options) : options_(options) {}

    struct Lease {
        int64_t ttl = 0;
        int64_t checkpoint = 0;
        int64_t deadline_ms = 0;
        std::optional<int64_t> offered_ms;
        std::set<Bytes> keys;
    };

    void grant(LeaseId id, int64_t ttl, int64_t now_ms) {
        leases[id] = {.ttl = std::max(ttl, options_.ttl_min_seconds)};
        start(leases[id], leases[id].ttl, now_ms);
    }

    void start(Lease& lease, int64_t seconds, int64_t now_ms) const {
        lease.deadline_ms = std::max(now_ms, extended_ms_) + seconds * 1000;
    }

    void promote(int64_t now_ms, int64_t extend_ms) {
        primary = true;
        extended_ms_ = now_ms + extend_ms;
        for (auto& [id, lease] : leases) {
            start(lease, lease.checkpoint > 0 ? lease.checkpoint : lease.ttl, now_ms);
        }
    }

    void demote() {
        primary = false;
        for (auto& [id, lease] : leases) {
            lease.offered_ms.reset();
        }
    }

    bool over(const Lease& lease, int64_t now_ms) const {
        return lease.offered_ms || lease.deadline_ms <= now_ms;
    }

    std::set<LeaseId> expired(int64_t now_ms) {
        std::set<LeaseId> ids;
        for (auto& [id, lease] : leases) {
            const bool again =
                lease.offered_ms && *lease.offered_ms + options_.expired_retry_ms <= now_ms;
            if (primary && (again || (!lease.offered_ms && lease.deadline_ms <= now_ms))) {
                lease.offered_ms = now_ms;
                ids.insert(id);
            }
        }
        return ids;
    }

    LeaseId lease_of(const Bytes& key) const {
        for (const auto& [id, lease] : leases) {
            if (lease.keys.contains(key)) {
                return id;
            }
        }
        return kNoLease;
    }

    void detach(const Bytes& key) {
        for (auto& [id, lease] : leases) {
            lease.keys.erase(key);
        }
    }

    std::map<LeaseId, Lease> leases;
    bool primary = false;

  private:
    const LessorOptions options_;
    int64_t extended_ms_ = 0;
};

class RandomLessorTest : public testing::TestWithParam<uint64_t> {
  protected:
    RandomLessorTest()
        : random_(GetParam()),
          options_{.ttl_min_seconds = 2,
                   .checkpoint = GetParam() % 2 == 0,
                   .checkpoint_persist = GetParam() % 4 == 0,
                   .checkpoint_interval_ms = 5000,
                   .hash_seed = GetParam()},
          lessor_(options_),
          twin_(options_) {}

    int64_t below(int64_t bound) {
        return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound));
    }
    LeaseId some_id() { return 1 + below(40); }
    Bytes some_key() { return "k" + std::to_string(below(60)); }

    template <typename Fn>
    void apply(Fn&& fn) {
        storage::WriteBatch batch;
        fn(batch);
        ASSERT_TRUE(backend_.write(batch, storage::Durability::kBuffered).ok());
    }

    void grant() {
        const LeaseId id = some_id();
        const int64_t ttl = below(30);
        apply([&](storage::WriteBatch& batch) {
            const Result<int64_t> granted = lessor_.grant(batch, {id, ttl}, now_ms_);
            ASSERT_EQ(granted.has_value(), !twin_.leases.contains(id));
        });
        if (!twin_.leases.contains(id)) {
            twin_.grant(id, ttl, now_ms_);
        }
    }

    void revoke() {
        const LeaseId id = some_id();
        apply([&](storage::WriteBatch& batch) {
            const Result<std::vector<Bytes>> keys = lessor_.revoke(batch, id);
            ASSERT_EQ(keys.has_value(), twin_.leases.contains(id));
            if (keys.has_value()) {
                const auto& expected = twin_.leases[id].keys;
                ASSERT_EQ(keys.value(), std::vector<Bytes>(expected.begin(), expected.end()));
            }
        });
        twin_.leases.erase(id);
    }

    void attach() {
        const LeaseId id = some_id();
        const Bytes key = some_key();
        const bool known = twin_.leases.contains(id);
        ASSERT_EQ(lessor_.attach(id, key).ok(), known);
        if (known) {
            twin_.detach(key);
            twin_.leases[id].keys.insert(key);
        }
    }

    void keep_alive() {
        if (!twin_.primary) {
            return;
        }
        const LeaseId id = some_id();
        const KeepAlive renewed = lessor_.keep_alive(id, now_ms_);
        const auto found = twin_.leases.find(id);
        if (found == twin_.leases.end() || twin_.over(found->second, now_ms_)) {
            ASSERT_EQ(renewed.ttl_seconds, 0);
            return;
        }
        ASSERT_EQ(renewed.ttl_seconds, found->second.ttl);
        ASSERT_EQ(renewed.clear_checkpoint, found->second.checkpoint > 0);
        twin_.start(found->second, found->second.ttl, now_ms_);
    }

    void checkpoint() {
        const LeaseId id = some_id();
        const auto found = twin_.leases.find(id);
        const int64_t remaining = found == twin_.leases.end() ? 1 : below(found->second.ttl + 1);
        apply([&](storage::WriteBatch& batch) {
            lessor_.checkpoint(batch, {{id, remaining}}, now_ms_);
        });
        if (found != twin_.leases.end()) {
            found->second.checkpoint = remaining;
        }
    }

    // Taken in small helpings, everything that is over comes out once.
    void expire() {
        const std::set<LeaseId> expected = twin_.expired(now_ms_);
        std::set<LeaseId> offered;
        while (true) {
            const std::vector<LeaseId> some =
                lessor_.expired(now_ms_, static_cast<size_t>(1 + below(5)));
            if (some.empty()) {
                break;
            }
            for (const LeaseId id : some) {
                ASSERT_TRUE(offered.insert(id).second) << "offered twice";
            }
        }
        ASSERT_EQ(offered, expected);
        const std::optional<int64_t> next = lessor_.next_due_ms();
        ASSERT_TRUE(!next || *next > now_ms_ || options_.checkpoint);
    }

    void change_leader() {
        if (twin_.primary && below(2) == 0) {
            lessor_.demote();
            twin_.demote();
        } else if (!twin_.primary) {
            const int64_t extend_ms = below(3000);
            lessor_.promote(now_ms_, extend_ms);
            twin_.promote(now_ms_, extend_ms);
        }
    }

    // A restart: what was not persisted is gone, attachments come from the records.
    void restart() {
        const auto view = backend_.view();
        ASSERT_TRUE(lessor_.restore(*view.value()).ok());
        twin_.demote();
        for (auto& [id, lease] : twin_.leases) {
            if (!options_.checkpoint_persist) {
                lease.checkpoint = 0;
            }
            for (const Bytes& key : lease.keys) {
                ASSERT_TRUE(lessor_.attach(id, key).ok());
            }
        }
    }

    void step() {
        switch (below(14)) {
            case 0:
            case 1:
                return grant();
            case 2:
                return revoke();
            case 3:
            case 4:
                return attach();
            case 5: {
                const Bytes key = some_key();
                lessor_.detach(key);
                return twin_.detach(key);
            }
            case 6:
            case 7:
                return keep_alive();
            case 8:
                return expire();
            case 9:
                now_ms_ += below(4000);
                return;
            case 10:
                return checkpoint();
            case 11:
                if (below(8) == 0) {
                    return change_leader();
                }
                return;
            case 12:
                if (below(60) == 0) {
                    return restart();
                }
                return;
            default:
                lessor_.due_checkpoints(now_ms_, static_cast<size_t>(1 + below(4)));
                return;
        }
    }

    void compare() {
        ASSERT_EQ(lessor_.size(), twin_.leases.size());
        const Bytes key = some_key();
        ASSERT_EQ(lessor_.lease_of(key), twin_.lease_of(key));
        const LeaseId id = some_id();
        const auto ttl = lessor_.time_to_live(id, now_ms_);
        const auto found = twin_.leases.find(id);
        ASSERT_EQ(ttl.has_value(), found != twin_.leases.end());
        if (ttl) {
            ASSERT_EQ(ttl->granted_seconds, found->second.ttl);
            ASSERT_EQ(ttl->remaining_seconds.has_value(), twin_.primary);
            if (twin_.primary) {
                const int64_t left = twin_.over(found->second, now_ms_)
                                         ? 0
                                         : (found->second.deadline_ms - now_ms_) / 1000;
                ASSERT_EQ(*ttl->remaining_seconds, left);
            }
        }
        std::vector<std::pair<int64_t, LeaseId>> order;
        for (const auto& [lease_id, lease] : twin_.leases) {
            const bool last = !twin_.primary || lease.offered_ms;
            order.emplace_back(last ? 0 : lease.deadline_ms, lease_id);
        }
        std::sort(order.begin(), order.end());
        const std::vector<LeaseId> listed = lessor_.list();
        ASSERT_EQ(listed.size(), order.size());
        for (size_t i = 0; i < order.size(); ++i) {
            ASSERT_EQ(listed[i], order[i].second);
        }
    }

    std::mt19937_64 random_;
    const LessorOptions options_;
    storage::MemBackend backend_;
    Lessor lessor_;
    Twin twin_;
    int64_t now_ms_ = 0;
};

TEST_P(RandomLessorTest, AgreesWithItsTwin) {
    for (int i = 0; i < 5000; ++i) {
        step();
        compare();
        lessor_.check_invariants();
        if (HasFatalFailure()) {
            FAIL() << "step " << i;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLessorTest, testing::Range<uint64_t>(0, 20));

}  // namespace
}  // namespace quorate::lease
