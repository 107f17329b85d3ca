// SPDX-License-Identifier: Apache-2.0
//
// The simplest engine there is, for tests that want to see a store against something obvious: a
// map, copied for a view when the writer comes by while the view is open.
#pragma once

#include "base/errors.h"
#include "storage/backend.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace quorate::mvcc {

class MapBackend final : public storage::Backend {
  public:
    using Pairs = std::map<Bytes, Bytes, std::less<>>;

    Result<std::unique_ptr<storage::View>> view() override {
        const std::lock_guard lock(mutex_);
        return std::unique_ptr<storage::View>(std::make_unique<MapView>(mutex_, pairs_));
    }

    Status write(const storage::WriteBatch& batch, storage::Durability) override {
        const std::lock_guard lock(mutex_);
        if (pairs_.use_count() > 1) {
            pairs_ = std::make_shared<Pairs>(*pairs_);
        }
        for (const storage::WriteBatch::Op& op : batch.ops()) {
            switch (op.kind) {
                case storage::WriteBatch::Kind::kPut:
                    pairs_->insert_or_assign(Bytes(op.key), Bytes(op.value));
                    break;
                case storage::WriteBatch::Kind::kDelete:
                    pairs_->erase(Bytes(op.key));
                    break;
                case storage::WriteBatch::Kind::kDeleteRange:
                    pairs_->erase(pairs_->lower_bound(op.key),
                                  op.value.empty() ? pairs_->end() : pairs_->lower_bound(op.value));
                    break;
            }
        }
        return {};
    }

    Status sync() override { return {}; }
    Result<storage::Stats> stats() const override { return storage::Stats{0, 0}; }
    Status compact(const storage::KeyRange&) override { return {}; }

    const Pairs& pairs() const { return *pairs_; }

  private:
    class MapCursor final : public storage::Cursor {
      public:
        MapCursor(Pairs::const_iterator at, Pairs::const_iterator end, bool reverse)
            : at_(at), end_(end), reverse_(reverse) {}

        Result<std::optional<storage::Pair>> next() override {
            if (at_ == end_) {
                return std::optional<storage::Pair>();
            }
            const auto& found = reverse_ ? *--end_ : *at_++;
            return std::optional<storage::Pair>({found.first, found.second});
        }

      private:
        Pairs::const_iterator at_;
        Pairs::const_iterator end_;
        bool reverse_;
    };

    class MapView final : public storage::View {
      public:
        MapView(std::mutex& mutex, std::shared_ptr<const Pairs> pairs)
            : mutex_(mutex), pairs_(std::move(pairs)) {}
        // Under the mutex, so that a writer who finds itself alone is also behind every read.
        ~MapView() override {
            const std::lock_guard lock(mutex_);
            pairs_.reset();
        }

        Result<std::optional<Bytes>> get(ByteView key) override {
            const auto found = pairs_->find(key);
            return found == pairs_->end() ? std::optional<Bytes>() : std::optional(found->second);
        }

        Result<std::unique_ptr<storage::Cursor>> scan(const storage::KeyRange& range,
                                                      storage::Direction direction) override {
            return std::unique_ptr<storage::Cursor>(std::make_unique<MapCursor>(
                pairs_->lower_bound(range.lo),
                range.hi.empty() ? pairs_->end() : pairs_->lower_bound(range.hi),
                direction == storage::Direction::kReverse));
        }

      private:
        std::mutex& mutex_;
        std::shared_ptr<const Pairs> pairs_;
    };

    std::mutex mutex_;
    std::shared_ptr<Pairs> pairs_ = std::make_shared<Pairs>();
};

}  // namespace quorate::mvcc
