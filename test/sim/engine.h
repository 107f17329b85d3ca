// SPDX-License-Identifier: Apache-2.0
//
// A machine's storage engine: `mem` with a power plug, and a disk below it that may fail.
#pragma once

#include "base/errors.h"
#include "storage/mem_backend.h"

#include <cstdint>
#include <memory>

namespace quorate::sim {

class Engine final : public storage::Backend {
  public:
    Engine() : memory_({.crashable = true}) {}

    // The n-th write or sync from now on fails, and the process with it.
    void fail_at(uint64_t n) { fails_in_ = n; }
    size_t unsynced_writes() const { return memory_.unsynced_writes(); }
    void power_cut(size_t lost_writes) { memory_.crash(lost_writes); }
    void mend() { fails_in_ = 0; }

    Result<std::unique_ptr<storage::View>> view() override { return memory_.view(); }
    Status write(const storage::WriteBatch& batch, storage::Durability durability) override {
        return fails() ? Status(errors::kIo, "injected") : memory_.write(batch, durability);
    }
    Status sync() override { return fails() ? Status(errors::kIo, "injected") : memory_.sync(); }
    Result<storage::Stats> stats() const override { return memory_.stats(); }
    Status compact(const storage::KeyRange& range) override { return memory_.compact(range); }

  private:
    bool fails() { return fails_in_ > 0 && --fails_in_ == 0; }

    storage::MemBackend memory_;
    uint64_t fails_in_ = 0;
};

}  // namespace quorate::sim
