// SPDX-License-Identifier: Apache-2.0
//
// Exceptions of a plugin, of every kind and from every function, end at the barrier and arrive as a
// status.
#include "base/clock.h"
#include "base/errors.h"
#include "base/metrics.h"
#include "plugin/loader.h"
#include "storage/plugin_backend.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

namespace quorate::plugin {

namespace {

class BarrierTest : public ::testing::Test {
  protected:
    void SetUp() override {
        dir_ = (std::filesystem::temp_directory_path() / "quorate-test-XXXXXX").string();
        ASSERT_NE(::mkdtemp(dir_.data()), nullptr);
    }
    void TearDown() override { std::filesystem::remove_all(dir_); }

    Result<std::unique_ptr<storage::Backend>> open(const Options& options) {
        const Result<const Plugin*> plugin = loader_.load("storage", "throwing");
        return plugin ? storage::open_plugin_backend(**plugin, dir_, options) : plugin.error();
    }

    std::string dir_;
    SystemClock clock_;
    metrics::Registry registry_;
    Host host_{registry_, clock_};
    Loader loader_{FIXTURE_DIR, host_};
};

TEST_F(BarrierTest, ThrowingCreateIsAFailure) {
    const auto backend = open({{"create", "throws"}});
    ASSERT_FALSE(backend);
    EXPECT_TRUE(backend.error().is(errors::kIo));
    EXPECT_EQ(backend.error().message(), "i/o error: storage plugin throwing: thrown by create");
}

TEST_F(BarrierTest, WrongOptionsAreRefusedByName) {
    const auto unknown = open({{"create", "works"}, {"speed", "high"}});
    ASSERT_FALSE(unknown);
    EXPECT_TRUE(unknown.error().is(errors::kPlugin));
    EXPECT_EQ(unknown.error().message(),
              "storage plugin throwing: unknown option \"speed\"; known: create");
    const auto wrong = open({{"create", "fails"}});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().message(),
              "storage plugin throwing: option create = \"fails\": needs one of works, throws");
    const auto twice = open({{"create", "works"}, {"create", "works"}});
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().message(),
              "storage plugin throwing: option create = \"works\": needs to be given once");
}

TEST_F(BarrierTest, EveryFunctionMayThrow) {
    const auto backend = open({});
    ASSERT_TRUE(backend) << backend.error().message();
    const auto view = (*backend)->view();
    ASSERT_TRUE(view);
    // Out of memory is told apart, as something that a restart may cure.
    EXPECT_EQ((*view)->get("key").error().message(),
              "no space left on device: storage plugin throwing: out of memory");
    const auto reverse = (*view)->scan({}, storage::Direction::kReverse);
    ASSERT_FALSE(reverse);
    EXPECT_EQ(reverse.error().message(), "i/o error: storage plugin throwing: thrown by scan");
    const auto cursor = (*view)->scan({}, storage::Direction::kForward);
    ASSERT_TRUE(cursor);
    EXPECT_EQ((*cursor)->next().error().message(),
              "i/o error: storage plugin throwing: thrown by next");
    storage::WriteBatch batch;
    batch.put("key", "value");
    EXPECT_EQ((*backend)->write(batch, storage::Durability::kBuffered).message(),
              "i/o error: storage plugin throwing: unknown exception");
    // Long texts are cut, and end.
    EXPECT_EQ((*backend)->sync().message(),
              "i/o error: storage plugin throwing: " + std::string(243, 'x'));
    const auto stats = (*backend)->stats();
    ASSERT_TRUE(stats);
    EXPECT_EQ(stats->disk_bytes, 2U);
    // An ability it does not have is left out, and no failure.
    EXPECT_TRUE((*backend)->compact({}).ok());
}

}  // namespace

}  // namespace quorate::plugin
