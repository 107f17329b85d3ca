// SPDX-License-Identifier: Apache-2.0
//
// A log on a fault file system, for tests that name their steps.
#pragma once

#include "base/fault_file_system.h"
#include "wal/log_twin.h"
#include "wal/recovery.h"
#include "wal/wal.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace quorate::wal {

class WalFixture : public ::testing::Test {
  protected:
    static constexpr Identity kIdentity{.cluster_id = 0xc1, .member_id = 0xa1};
    static constexpr const char* kDir = "/data/wal";

    WalFixture() { options_.segment_bytes = 16 * kBlockBytes; }

    void create() {
        auto wal = Wal::create(fs_, kDir, kIdentity, {}, options_);
        ASSERT_TRUE(wal.has_value()) << wal.error().message();
        wal_ = std::move(wal).value();
    }
    Status try_open(const Identity& identity = kIdentity) {
        wal_.reset();
        auto opened = Wal::open(fs_, kDir, identity, options_);
        if (!opened) {
            return opened.error();
        }
        wal_ = std::move(opened->wal);
        recovered_ = std::move(opened->recovered);
        return {};
    }
    void reopen() {
        const Status opened = try_open();
        ASSERT_TRUE(opened.ok()) << opened.message();
    }
    // Appends entries first..last of the term, each of `bytes` bytes.
    void append(uint64_t term, uint64_t first, uint64_t last, size_t bytes = 100) {
        std::vector<raft::Entry> entries;
        for (uint64_t index = first; index <= last; ++index) {
            entries.push_back(make_entry(term, index, text(term, index, bytes)));
        }
        const Status appended = wal_->append({.entries = entries});
        ASSERT_TRUE(appended.ok()) << appended.message();
    }
    void append_synced(uint64_t term, uint64_t first, uint64_t last, size_t bytes = 100) {
        append(term, first, last, bytes);
        ASSERT_TRUE(wal_->sync().ok());
    }
    void mark(uint64_t term, uint64_t index) {
        const Batch batch{.mark = Mark{.id = {.term = term, .index = index},
                                       .configuration = {.voters = {1, 2, 3}}}};
        ASSERT_TRUE(wal_->append_and_sync(batch).ok());
    }
    static Bytes text(uint64_t term, uint64_t index, size_t bytes) {
        Bytes out = std::to_string(term) + "/" + std::to_string(index);
        out.resize(std::max(bytes, out.size()), '.');
        return out;
    }
    std::vector<std::string> segments() { return list_segments(fs_, kDir).value(); }
    std::string path_of(const std::string& name) { return std::string(kDir) + "/" + name; }
    void pump_spares() {
        for (int i = 0; i < 100; ++i) {
            wal_->spares().turn();
        }
    }

    FaultFileSystem fs_;
    Options options_;
    std::unique_ptr<Wal> wal_;
    Recovered recovered_;
};

}  // namespace quorate::wal
