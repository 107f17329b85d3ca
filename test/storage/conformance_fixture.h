// SPDX-License-Identifier: Apache-2.0
//
// The fixture of the conformance tests: one engine, one folder, one open store.
#pragma once

#include "engines.h"
#include "store_model.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace quorate::storage::testing {

// What the command line has named; set before the tests are made.
std::vector<EngineUnderTest>& engines_under_test();

class Conformance : public ::testing::TestWithParam<EngineUnderTest> {
  protected:
    void SetUp() override { reopen(); }

    void reopen() {
        backend_.reset();
        Result<std::unique_ptr<Backend>> opened = open_engine(GetParam(), store_dir());
        ASSERT_TRUE(opened) << opened.error().message();
        backend_ = std::move(opened.value());
    }
    void close() { backend_.reset(); }

    std::string store_dir() const { return dir_.path() + "/store"; }

    void write(const WriteBatch& batch, Durability durability = Durability::kBuffered) {
        const Status status = backend_->write(batch, durability);
        ASSERT_TRUE(status.ok()) << status.message();
    }
    void put(ByteView key, ByteView value) {
        WriteBatch batch;
        batch.put(key, value);
        write(batch);
    }

    Pairs all(const KeyRange& range = {}, Direction direction = Direction::kForward) {
        Result<Pairs> pairs = scan(*backend_, range, direction);
        EXPECT_TRUE(pairs) << pairs.error().message();
        return pairs ? std::move(*pairs) : Pairs();
    }
    std::optional<Bytes> get(ByteView key) {
        Result<std::optional<Bytes>> value = testing::get(*backend_, key);
        EXPECT_TRUE(value) << value.error().message();
        return value ? *value : std::nullopt;
    }

    TemporaryDir dir_;
    std::unique_ptr<Backend> backend_;
};

// A fixture for what only engines that keep their data can do.
class PersistentConformance : public Conformance {
  protected:
    void SetUp() override {
        if (!GetParam().persistent()) {
            GTEST_SKIP() << "keeps nothing when it is closed";
        }
        Conformance::SetUp();
    }
};

}  // namespace quorate::storage::testing
