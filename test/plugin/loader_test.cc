// SPDX-License-Identifier: Apache-2.0
#include "plugin/loader.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/metrics.h"
#include "plugin/abi/storage.h"
#include "plugin/abi/transport.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace quorate::plugin {

namespace {

namespace fs = std::filesystem;

class LoaderTest : public ::testing::Test {
  protected:
    // The text of the refusal, with the fixtures' folder written as $DIR.
    std::string refusal(std::string_view name, std::string_view kind = "storage") {
        return refusal_from(kFixtures, name, kind);
    }
    std::string refusal_from(const std::string& dir, std::string_view name,
                             std::string_view kind = "storage") {
        Loader loader(dir, host_);
        const Result<const Plugin*> plugin = loader.load(kind, name);
        if (plugin) {
            return "loaded";
        }
        EXPECT_TRUE(plugin.error().is(errors::kPlugin));
        return masked(plugin.error().message(), dir);
    }
    static std::string masked(std::string text, const std::string& dir) {
        const size_t at = dir.empty() ? std::string::npos : text.find(dir);
        return at == std::string::npos ? text : text.replace(at, dir.size(), "$DIR");
    }

    const std::string kFixtures = FIXTURE_DIR;
    SystemClock clock_;
    metrics::Registry registry_;
    Host host_{registry_, clock_};
};

TEST_F(LoaderTest, LoadsAGoodPlugin) {
    Loader loader(kFixtures, host_);
    const Result<const Plugin*> plugin = loader.load("storage", "good");
    ASSERT_TRUE(plugin) << plugin.error().message();
    EXPECT_EQ((*plugin)->kind(), "storage");
    EXPECT_EQ((*plugin)->name(), "good");
    EXPECT_EQ((*plugin)->file(), kFixtures + "/storage_good.so");
    const auto table = (*plugin)->table<quorate_storage_interface>(QUORATE_STORAGE_INTERFACE);
    ASSERT_TRUE(table);
    EXPECT_EQ(table->size, sizeof(quorate_storage_interface));
    const Result<const Plugin*> again = loader.load("storage", "good");
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *plugin);
}

TEST_F(LoaderTest, RefusesNamesThatCouldLeaveTheFolder) {
    for (const char* name :
         {"", "../storage_good", "a/b", "Good", "good.so", "g ood", "g-d", "é"}) {
        EXPECT_EQ(refusal(name),
                  "plugin name \"" + std::string(name) + "\": needs one or more of a-z, 0-9 and _");
    }
    EXPECT_EQ(refusal(std::string_view("good\0", 5)),
              std::string("plugin name \"good\0\": needs one or more of a-z, 0-9 and _", 56));
}

TEST_F(LoaderTest, RefusesUnknownKinds) {
    EXPECT_EQ(refusal("good", "engine"), "no such kind of plugin: \"engine\"");
    EXPECT_EQ(refusal("good", "../storage"), "no such kind of plugin: \"../storage\"");
}

TEST_F(LoaderTest, RefusesToGuessTheFolder) {
    EXPECT_EQ(refusal_from("", "good"), "plugin storage_good: no plugin directory is set");
}

TEST_F(LoaderTest, TellsWhatIsThereWhenAFileIsMissing) {
    EXPECT_EQ(refusal("nothing", "transport"),
              "$DIR/transport_nothing.so: no such plugin; transport plugins there: none");
    const std::string text = refusal("nothing");
    EXPECT_NE(text.find("$DIR/storage_nothing.so: no such plugin; storage plugins there: "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("good, missing_symbol"), std::string::npos) << text;
}

TEST_F(LoaderTest, RefusesWhatDoesNotLoad) {
    EXPECT_EQ(refusal("missing_symbol"),
              "$DIR/storage_missing_symbol.so: can't be loaded: undefined symbol: "
              "quorate_test_function_that_nobody_has");
}

TEST_F(LoaderTest, RefusesALibraryThatIsCutShort) {
    std::ifstream whole(kFixtures + "/storage_good.so", std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(whole), {}};
    ASSERT_GT(content.size(), 10'000u);
    std::string dir = (fs::temp_directory_path() / "quorate-plugins-XXXXXX").string();
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    for (size_t bytes = 0; bytes < content.size(); bytes += content.size() / 50) {
        const std::string file = dir + "/storage_good.so";
        std::ofstream(file, std::ios::binary | std::ios::trunc) << content.substr(0, bytes);
        const std::string text = refusal_from(dir, "good");
        EXPECT_EQ(text.find("$DIR/storage_good.so: can't be loaded: "), 0u) << bytes << text;
        if (bytes > 64) {
            EXPECT_NE(text.find("bytes of " + std::to_string(content.size())), std::string::npos)
                << text;
        }
    }
    fs::remove_all(dir);
}

TEST_F(LoaderTest, RefusesOtherLibraries) {
    EXPECT_EQ(refusal("no_entry"),
              "$DIR/storage_no_entry.so: not a plugin of Quorate: it has no function "
              "quorate_plugin_entry");
    EXPECT_EQ(refusal("null_descriptor"),
              "$DIR/storage_null_descriptor.so: quorate_plugin_entry gave no descriptor");
    EXPECT_EQ(refusal("wrong_magic"),
              "$DIR/storage_wrong_magic.so: not a plugin of Quorate: its descriptor has the magic "
              "0x12345678, needs 0x51525445");
}

TEST_F(LoaderTest, RefusesOtherKindsAndNames) {
    EXPECT_EQ(refusal("wrong_kind"),
              "$DIR/storage_wrong_kind.so: a plugin of kind \"transport\", needs \"storage\"");
    EXPECT_EQ(refusal("wrong_name"),
              "$DIR/storage_wrong_name.so: a plugin named \"somebody_else\", needs \"wrong_name\" "
              "as its file says");
}

TEST_F(LoaderTest, RefusesOtherVersions) {
    EXPECT_EQ(
        refusal("other_major"),
        "$DIR/storage_other_major.so: built for plugin ABI 2.0, needs 1.0: rebuild the plugin");
    EXPECT_EQ(refusal("newer_minor"),
              "$DIR/storage_newer_minor.so: built for plugin ABI 1.1, this server has 1.0: update "
              "the server, or build the plugin with its headers");
    EXPECT_EQ(refusal("short_descriptor"),
              "$DIR/storage_short_descriptor.so: its descriptor has 40 bytes, needs at least 80");
    EXPECT_EQ(refusal("null_deinit"),
              "$DIR/storage_null_deinit.so: its descriptor has empty fields");
}

TEST_F(LoaderTest, RefusesAPluginThatRefusesItself) {
    EXPECT_EQ(refusal("failing_init"),
              "$DIR/storage_failing_init.so: could not initialise: not in the mood");
}

TEST_F(LoaderTest, RefusesUnusableInterfaces) {
    EXPECT_EQ(refusal("no_interface"),
              "$DIR/storage_no_interface.so: does not offer the interface \"quorate.storage/0\"");
    EXPECT_EQ(refusal("wrong_build"),
              "$DIR/storage_wrong_build.so: built with the plugin headers "
              "\"quorate-abi-of-yesterday\", needs \"" QUORATE_BUILD_ID
              "\": \"quorate.storage/0\" is a draft, so rebuild the plugin");
    EXPECT_EQ(refusal("short_table"),
              "$DIR/storage_short_table.so: the table of \"quorate.storage/0\" has 80 bytes, needs "
              "at least 96");
    EXPECT_EQ(refusal("null_function"),
              "$DIR/storage_null_function.so: function 10 in the table of \"quorate.storage/0\" is "
              "null");
}

// A folder with a copy of one fixture.
class PermissionTest : public LoaderTest {
  protected:
    void SetUp() override {
        dir_ = (fs::temp_directory_path() / "quorate-test-XXXXXX").string();
        ASSERT_NE(::mkdtemp(dir_.data()), nullptr);
        file_ = dir_ + "/storage_good.so";
        fs::copy_file(kFixtures + "/storage_good.so", file_);
    }
    void TearDown() override { fs::remove_all(dir_); }

    std::string dir_;
    std::string file_;
};

TEST_F(PermissionTest, RefusesWhatEverybodyMayWrite) {
    EXPECT_EQ(refusal_from(dir_, "good"), "loaded");
    ASSERT_EQ(::chmod(file_.c_str(), 0775), 0);
    EXPECT_EQ(refusal_from(dir_, "good"), "loaded");
    ASSERT_EQ(::chmod(file_.c_str(), 0757), 0);
    const std::string ending =
        ": can be written by everybody, so anybody could put code into this server; run chmod o-w "
        "on it";
    EXPECT_EQ(refusal_from(dir_, "good"), "$DIR/storage_good.so" + ending);
    ASSERT_EQ(::chmod(file_.c_str(), 0755), 0);
    ASSERT_EQ(::chmod(dir_.c_str(), 0777), 0);
    EXPECT_EQ(refusal_from(dir_, "good"), "$DIR" + ending);
    ASSERT_EQ(::chmod(dir_.c_str(), 0755), 0);
    EXPECT_EQ(refusal_from(dir_, "good"), "loaded");
}

TEST_F(LoaderTest, ListsWhatIsThereWithoutStartingIt) {
    const Loader loader(kFixtures, host_);
    const Result<std::vector<Description>> list = loader.list();
    ASSERT_TRUE(list) << list.error().message();
    const auto find = [&](const std::string& name) {
        const auto found = std::find_if(list->begin(), list->end(), [&](const Description& d) {
            return d.file == kFixtures + "/storage_" + name + ".so";
        });
        return found == list->end() ? Description{} : *found;
    };
    const Description good = find("good");
    EXPECT_EQ(good.error, "");
    EXPECT_EQ(good.kind, "storage");
    EXPECT_EQ(good.name, "good");
    EXPECT_EQ(good.version, "1.0");
    EXPECT_EQ(good.abi, "1.0");
    EXPECT_EQ(good.build_id, QUORATE_BUILD_ID);
    EXPECT_EQ(find("failing_init").error, "");
    EXPECT_EQ(masked(find("wrong_magic").error, kFixtures), refusal("wrong_magic"));
    EXPECT_EQ(masked(find("missing_symbol").error, kFixtures), refusal("missing_symbol"));
    EXPECT_EQ(find("wrong_magic").kind, "");
    EXPECT_TRUE(std::is_sorted(list->begin(), list->end(),
                               [](const auto& a, const auto& b) { return a.file < b.file; }));
    const Result<std::vector<Description>> nowhere = Loader("/nonexistent", host_).list();
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().message(),
              "plugin directory /nonexistent: No such file or directory");
}

}  // namespace

}  // namespace quorate::plugin
