// SPDX-License-Identifier: Apache-2.0
//
// What the adapter adds to an engine: the ENGINE file, and hints. All else is in the conformance
// tests.
#include "storage/plugin_backend.h"

#include "base/errors.h"
#include "engines.h"
#include "storage/schema.h"
#include "store_model.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace quorate::storage::testing {

namespace {

namespace fs = std::filesystem;

class PluginBackendTest : public ::testing::Test {
  protected:
    static EngineUnderTest engine(const std::string& name) {
        return engine_by_file(PLUGIN_DIR "/storage_" + name + ".so");
    }
    std::string refusal(const std::string& name) const {
        const auto backend = open_engine(engine(name), store_);
        return backend ? "opened" : backend.error().message();
    }

    TemporaryDir dir_;
    const std::string store_ = dir_.path() + "/deep/store";
};

TEST_F(PluginBackendTest, NamesTheEngineInTheDirectory) {
    EXPECT_EQ(refusal("leveldb"), "opened");
    std::ifstream file(store_ + "/ENGINE");
    std::string name;
    std::getline(file, name);
    EXPECT_EQ(name, "leveldb");
    EXPECT_EQ(refusal("leveldb"), "opened");
}

TEST_F(PluginBackendTest, RefusesTheDirectoryOfAnotherEngine) {
    std::istringstream names(STORAGE_ENGINES);
    for (std::string other; names >> other;) {
        const std::string store = dir_.path() + "/of_" + other;
        ASSERT_TRUE(open_engine(engine(other), store)) << other;
        const std::string mine = other == "leveldb" ? "example" : "leveldb";
        const auto backend = open_engine(engine(mine), store);
        ASSERT_FALSE(backend) << other;
        EXPECT_EQ(backend.error().message(), "data directory " + store +
                                                 " was written by storage engine " + other +
                                                 ", not by " + mine + "; use storage = " + other +
                                                 ", or move the data with quorate util migrate");
        EXPECT_TRUE(open_engine(engine(other), store)) << other;
    }
}

// The options of [storage.<name>] in the configuration file that comes with the server, which has
// every option with its default behind a #.
plugin::Options documented_options(const std::string& name) {
    std::ifstream file(CONF_FILE);
    plugin::Options options;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('[')) {
            inside = line == "[storage." + name + ']';
        }
        const size_t equals = line.find(" = ");
        if (inside && line.starts_with('#') && !line.starts_with("# ") &&
            equals != std::string::npos) {
            options.emplace_back(line.substr(1, equals - 1), line.substr(equals + 3));
        }
    }
    return options;
}

// LevelDB's engine keeps such rows in files of their own.
TEST_F(PluginBackendTest, TellsRowsOfStateFromRecords) {
    const auto backend = open_engine(engine("leveldb"), store_);
    ASSERT_TRUE(backend) << backend.error().message();
    WriteBatch batch;
    batch.put(record_key(7, 0), "the record");
    batch.put(kAppliedKey, "the index");
    ASSERT_TRUE((*backend)->write(batch, Durability::kSynced).ok());
    std::string state;
    for (const auto& entry : fs::directory_iterator(store_)) {
        if (entry.path().extension() == ".state") {
            std::ifstream file(entry.path(), std::ios::binary);
            state.append(std::istreambuf_iterator<char>(file), {});
        }
    }
    EXPECT_NE(state.find("the index"), std::string::npos);
    EXPECT_EQ(state.find("the record"), std::string::npos);
}

TEST_F(PluginBackendTest, TakesEveryOptionOfTheConfigurationFile) {
    std::istringstream names(STORAGE_ENGINES);
    for (std::string name; names >> name;) {
        EngineUnderTest under_test = engine(name);
        under_test.options = documented_options(name);
        EXPECT_EQ(under_test.options.empty(), name == "example") << name;
        const auto backend = open_engine(under_test, dir_.path() + "/with_options_" + name);
        EXPECT_TRUE(backend) << backend.error().message();
    }
}

TEST_F(PluginBackendTest, UnknownOptionIsRefusedWithThoseThatAreKnown) {
    std::istringstream names(STORAGE_ENGINES);
    for (std::string name; names >> name;) {
        EngineUnderTest under_test = engine(name);
        under_test.options = {{"cash_bytes", "1"}};
        const std::string store = dir_.path() + "/wrong_" + name;
        const auto backend = open_engine(under_test, store);
        ASSERT_FALSE(backend) << name;
        EXPECT_TRUE(fs::is_empty(store)) << name;  // another engine may have it
        const std::string text = backend.error().message();
        EXPECT_NE(text.find("unknown option \"cash_bytes\""), std::string::npos) << text;
        for (const auto& [key, value] : documented_options(name)) {
            EXPECT_NE(text.find(key), std::string::npos) << text << " does not name " << key;
        }
    }
}

TEST_F(PluginBackendTest, RefusesADirectoryOfSomethingElse) {
    fs::create_directories(store_);
    std::ofstream(store_ + "/notes.txt") << "mine";
    EXPECT_EQ(refusal("leveldb"), "data directory " + store_ +
                                      " holds \"notes.txt\" but no file ENGINE: not written by "
                                      "Quorate");
    EXPECT_FALSE(fs::exists(store_ + "/ENGINE"));
    EXPECT_FALSE(fs::exists(store_ + "/CURRENT"));
}

TEST_F(PluginBackendTest, GoesOnWhereACrashLeftAnEmptyDirectory) {
    fs::create_directories(store_ + "/lost+found");
    std::ofstream(store_ + "/ENGINE.tmp") << "lev";
    EXPECT_EQ(refusal("leveldb"), "opened");
}

}  // namespace

}  // namespace quorate::storage::testing
