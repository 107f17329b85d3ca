// SPDX-License-Identifier: Apache-2.0
//
// The sink and its outputs, through the public functions: files in a temporary folder and a
// journal of the test's own.
#include "base/log.h"

#include "base/bytes.h"
#include "base/log_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace quorate::log {
namespace {

class LogTest : public testing::Test {
  protected:
    LogTest() {
        std::string pattern = testing::TempDir() + "log_test_XXXXXX";
        dir_ = mkdtemp(pattern.data());
    }
    ~LogTest() override {
        EXPECT_TRUE(configure(Options()).ok());
        std::filesystem::remove_all(dir_);
    }

    std::string path(const std::string& name) const { return dir_ + "/" + name; }

    static std::string content(const std::string& file) {
        std::ifstream in(file);
        std::stringstream all;
        all << in.rdbuf();
        return all.str();
    }

    static std::vector<std::string> lines(const std::string& file) {
        std::ifstream in(file);
        std::vector<std::string> out;
        for (std::string line; std::getline(in, line);) {
            out.push_back(line);
        }
        return out;
    }

    std::string dir_;
};

TEST_F(LogTest, WritesToFiles) {
    Options options;
    options.outputs = {path("a.log"), path("b.log")};
    ASSERT_TRUE(configure(options).ok());
    info("first", {{"n", 1}});
    debug("not shown");
    warn("second");
    error("third", {Field(Status(ErrorDef{Code::kInternal, "boom"}))});
    const std::vector<std::string> written = lines(path("a.log"));
    ASSERT_EQ(written.size(), 3U);
    EXPECT_NE(written[0].find(R"("msg":"first","n":1})"), std::string::npos) << written[0];
    EXPECT_NE(written[1].find(R"({"level":"warn")"), std::string::npos);
    EXPECT_NE(written[2].find(R"("msg":"third","error":"boom"})"), std::string::npos);
    EXPECT_EQ(content(path("a.log")), content(path("b.log")));
    struct stat info;
    ASSERT_EQ(stat(path("a.log").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0007, 0U) << "others must not read the log";
}

TEST_F(LogTest, AppendsToWhatIsThere) {
    std::ofstream(path("a.log")) << "before\n";
    Options options;
    options.outputs = {path("a.log")};
    ASSERT_TRUE(configure(options).ok());
    info("after");
    EXPECT_EQ(lines(path("a.log")).size(), 2U);
    EXPECT_EQ(lines(path("a.log"))[0], "before");
}

TEST_F(LogTest, LevelsByModule) {
    Options options;
    options.outputs = {path("a.log")};
    // This file counts as module "base".
    options.levels = "base=debug,error";
    ASSERT_TRUE(configure(options).ok());
    debug("shown");
    EXPECT_TRUE(enabled(Level::kDebug, SourceLocation::current()));
    options.levels = "raft=debug,error";
    ASSERT_TRUE(configure(options).ok());
    warn("hidden");
    EXPECT_FALSE(enabled(Level::kWarn, SourceLocation::current()));
    EXPECT_TRUE(enabled(Level::kError, SourceLocation::current()));
    ASSERT_EQ(lines(path("a.log")).size(), 1U);
}

TEST_F(LogTest, ConsoleFormat) {
    Options options;
    options.outputs = {path("a.log")};
    options.format = Format::kConsole;
    ASSERT_TRUE(configure(options).ok());
    info("plain");
    EXPECT_NE(content(path("a.log")).find("\tinfo\tbase/log_test.cc:"), std::string::npos);
}

TEST_F(LogTest, FailedConfigureChangesNothing) {
    Options good;
    good.outputs = {path("a.log")};
    ASSERT_TRUE(configure(good).ok());

    Options bad = good;
    bad.levels = "loud";
    EXPECT_FALSE(configure(bad).ok());
    bad = good;
    bad.outputs = {path("missing/b.log")};
    const Status failed = configure(bad);
    EXPECT_EQ(failed.message(),
              "cannot open the log file " + path("missing/b.log") + ": No such file or directory");
    bad = good;
    bad.outputs = {"stderr", "stdout"};
    bad.rotation = Rotation{};
    EXPECT_EQ(configure(bad).message(),
              "--log-outputs requires a single file path when --log-rotate-config-json is defined");

    info("still here");
    EXPECT_EQ(lines(path("a.log")).size(), 1U);
}

TEST_F(LogTest, ReopenFollowsTheName) {
    Options options;
    options.outputs = {path("a.log")};
    ASSERT_TRUE(configure(options).ok());
    info("one");
    std::filesystem::rename(path("a.log"), path("old.log"));
    info("two");
    ASSERT_TRUE(reopen().ok());
    info("three");
    EXPECT_EQ(lines(path("old.log")).size(), 2U);
    EXPECT_EQ(lines(path("a.log")).size(), 1U);
}

TEST_F(LogTest, ThreadsDoNotMixTheirLines) {
    Options options;
    options.outputs = {path("a.log")};
    ASSERT_TRUE(configure(options).ok());
    constexpr int kThreads = 4;
    constexpr int kLines = 500;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([t] {
            for (int i = 0; i < kLines; ++i) {
                info("line", {{"thread", t}, {"text", std::string(200, 'x')}});
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const std::vector<std::string> written = lines(path("a.log"));
    EXPECT_EQ(written.size(), static_cast<size_t>(kThreads * kLines));
    for (const std::string& line : written) {
        ASSERT_TRUE(line.starts_with(R"({"level":"info")") && line.ends_with("\"}")) << line;
    }
}

TEST_F(LogTest, FatalWritesAndExits) {
    Options options;
    options.outputs = {path("a.log")};
    ASSERT_TRUE(configure(options).ok());
    EXPECT_EXIT(fatal("no way on", {{"why", "test"}}), testing::ExitedWithCode(1), "");
    EXPECT_NE(content(path("a.log")).find(R"({"level":"fatal")"), std::string::npos);
}

// Lines with times of the test's choosing, straight to a rotated file.
class RotationTest : public LogTest {
  protected:
    void write(Output& output, size_t bytes, int64_t unix_us) {
        const Line line{Level::kInfo, "m", {}, SourceLocation::current(), unix_us};
        output.write(std::string(bytes - 1, 'x') + "\n", line);
    }

    std::vector<std::string> names() const {
        std::vector<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
            out.push_back(entry.path().filename().string());
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    static constexpr int64_t kNoon_us = 1'767'355'200'000'000;  // 2026-01-02T12:00:00Z
    static constexpr int64_t kDay_us = 86'400'000'000;
    static constexpr size_t kLine_bytes = 600 * 1024;  // two of them pass 1 MiB
};

TEST_F(RotationTest, RenamesBySize) {
    Result<std::unique_ptr<Output>> output = open_output(path("q.log"), Rotation{1, 0, 0, false});
    ASSERT_TRUE(output.has_value());
    write(**output, kLine_bytes, kNoon_us);
    EXPECT_EQ(names(), std::vector<std::string>{"q.log"});
    write(**output, kLine_bytes, kNoon_us);
    EXPECT_EQ(names(), (std::vector<std::string>{"q-2026-01-02T12-00-00.000.log", "q.log"}));
    EXPECT_EQ(std::filesystem::file_size(path("q.log")), kLine_bytes);
}

TEST_F(RotationTest, CountsWhatWasThereBefore) {
    std::ofstream(path("q.log")) << std::string(kLine_bytes, 'x');
    Result<std::unique_ptr<Output>> output = open_output(path("q.log"), Rotation{1, 0, 0, false});
    ASSERT_TRUE(output.has_value());
    write(**output, kLine_bytes, kNoon_us);
    EXPECT_EQ(names().size(), 2U);
}

TEST_F(RotationTest, KeepsTheNewest) {
    Result<std::unique_ptr<Output>> output = open_output(path("q.log"), Rotation{1, 0, 2, false});
    ASSERT_TRUE(output.has_value());
    std::ofstream(path("q-notes.log")) << "not ours";
    for (int i = 0; i < 5; ++i) {
        write(**output, kLine_bytes, kNoon_us + i * 1'000'000);
    }
    EXPECT_EQ(names(),
              (std::vector<std::string>{"q-2026-01-02T12-00-03.000.log",
                                        "q-2026-01-02T12-00-04.000.log", "q-notes.log", "q.log"}));
}

TEST_F(RotationTest, RemovesTheOld) {
    Result<std::unique_ptr<Output>> output = open_output(path("q.log"), Rotation{1, 3, 0, false});
    ASSERT_TRUE(output.has_value());
    for (const int day : {0, 0, 1, 5}) {
        write(**output, kLine_bytes, kNoon_us + day * kDay_us);
    }
    EXPECT_EQ(names(), (std::vector<std::string>{"q-2026-01-07T12-00-00.000.log", "q.log"}));
}

// A socket that receives what the journal would.
class JournalTest : public LogTest {
  protected:
    JournalTest() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string name = path("journal");
        std::memcpy(address.sun_path, name.data(), name.size());
        EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~JournalTest() override { close(fd_); }

    std::string received() const {
        std::string entry(1 << 20, '\0');
        const ssize_t length = recv(fd_, entry.data(), entry.size(), 0);
        entry.resize(length < 0 ? 0 : static_cast<size_t>(length));
        return entry;
    }

    int fd_;
};

TEST_F(JournalTest, SendsNamesAndValues) {
    Result<std::unique_ptr<Output>> output = open_journal(path("journal"));
    ASSERT_TRUE(output.has_value()) << output.error().message();
    const std::vector<Field> fields = {{"member-id", "8e9e"}, {"term", 7}, {"text", "two\nlines"}};
    const Line line{Level::kWarn, "lost", fields, SourceLocation::current(), 0};
    (*output)->write("the line\n", line);
    char length[8];
    store_le64(length, 9);
    EXPECT_EQ(received(),
              "MESSAGE=the line\nPRIORITY=4\nSYSLOG_IDENTIFIER=quorate\n"
              "CODE_FILE=base/log_test.cc\nCODE_LINE=" +
                  std::to_string(line.where.line()) +
                  "\nQUORATE_MEMBER_ID=8e9e\nQUORATE_TERM=7\nQUORATE_TEXT\n" +
                  std::string(length, 8) + "two\nlines\n");
}

TEST_F(JournalTest, CutsWhatADatagramCannotHold) {
    Result<std::unique_ptr<Output>> output = open_journal(path("journal"));
    ASSERT_TRUE(output.has_value());
    const Line line{Level::kInfo, "big", {}, SourceLocation::current(), 0};
    (*output)->write(std::string(1 << 20, 'x') + "\n", line);
    const std::string entry = received();
    EXPECT_TRUE(entry.starts_with("MESSAGE=xxx"));
    EXPECT_LT(entry.size(), 40U * 1024);
}

TEST_F(LogTest, TellsAStreamToTheJournalByDeviceAndInode) {
    const int fd = ::open(path("stream").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    struct stat status {};
    ASSERT_EQ(fstat(fd, &status), 0);
    const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
    EXPECT_TRUE(is_journal_stream(fd, stream.c_str()));
    EXPECT_FALSE(is_journal_stream(fd, (stream + "0").c_str()));
    EXPECT_FALSE(is_journal_stream(fd, nullptr));
    ::close(fd);
}

TEST_F(LogTest, NoJournalIsAClearError) {
    const Result<std::unique_ptr<Output>> output = open_journal(path("none"));
    ASSERT_FALSE(output.has_value());
    EXPECT_EQ(output.error().message(),
              "log output systemd/journal: no journal listens at " + path("none"));
}

}  // namespace
}  // namespace quorate::log
