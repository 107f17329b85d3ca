// SPDX-License-Identifier: Apache-2.0
//
// wal_bench [DIR]: what an append and its sync cost, next to what the disk itself takes for the
// same thing, in turns so that both see the same disk. Prints one JSON object.
#include "base/clock.h"
#include "base/file.h"
#include "base/loop_thread.h"
#include "wal/wal.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quorate {
namespace {

constexpr size_t kEntryBytes = 300;
constexpr int kRounds = 20;
constexpr int kPerRound = 50;

void check(const Status& status) {
    if (!status.ok()) {
        std::fprintf(stderr, "%s\n", status.message().c_str());
        std::exit(1);
    }
}

double thread_cpu_us() {
    struct timespec t {};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

struct Series {
    std::string name;
    std::function<void()> once;
    std::vector<double> wall_us;
    double cpu_us = 0;
};

void run_in_turns(std::vector<Series>& all) {
    const SystemClock clock;
    for (int round = 0; round < kRounds; ++round) {
        for (Series& series : all) {
            const double cpu_before = thread_cpu_us();
            for (int i = 0; i < kPerRound; ++i) {
                const int64_t before = clock.monotonic_ns();
                series.once();
                series.wall_us.push_back(static_cast<double>(clock.monotonic_ns() - before) / 1e3);
            }
            series.cpu_us += thread_cpu_us() - cpu_before;
        }
    }
}

void print(std::vector<Series>& all) {
    std::printf("{\n");
    for (Series& series : all) {
        std::sort(series.wall_us.begin(), series.wall_us.end());
        const size_t n = series.wall_us.size();
        std::printf(
            "  \"%s\": {\"p50_us\": %.1f, \"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, "
            "\"cpu_us\": %.1f}%s\n",
            series.name.c_str(), series.wall_us[n / 2], series.wall_us[n * 9 / 10],
            series.wall_us[n * 99 / 100], series.wall_us[n - 1],
            series.cpu_us / static_cast<double>(n), &series == &all.back() ? "" : ",");
    }
    std::printf("}\n");
}

// The disk: writes of `bytes` to a file of zeros, each followed by fdatasync.
Series raw_series(FileSystem& fs, const std::string& path, size_t bytes) {
    check(wal::Spares::make_zeroed(fs, path, 64 * 1024 * 1024));
    auto opened = fs.open(path, OpenMode::kReadWrite);
    check(opened.error());
    const std::shared_ptr<File> file(std::move(opened).value());
    auto offset = std::make_shared<uint64_t>(0);
    return {.name = "write_fdatasync_" + std::to_string(bytes),
            .once = [file, offset, data = Bytes(bytes, 'x')] {
                check(file->write_at(*offset % (63 * 1024 * 1024), data));
                check(file->sync_data());
                *offset += data.size();
            }};
}

// A log of its own with a thread for its spares.
class BenchedLog {
  public:
    BenchedLog(FileSystem& fs, const std::string& dir) : spares_thread_("wal-spares") {
        wal::Options options;
        options.salt_seed = 1;
        options.spares_waker = &spares_thread_.waker();
        auto created = wal::Wal::create(fs, dir, {.cluster_id = 1, .member_id = 1}, {}, options);
        check(created.error());
        wal_ = std::move(created).value();
        spares_thread_.start([this] { return wal_->spares().turn(); });
    }
    ~BenchedLog() { spares_thread_.stop(); }

    wal::Wal& wal() { return *wal_; }

    std::vector<raft::Entry> next(size_t count) {
        std::vector<raft::Entry> entries;
        for (size_t i = 0; i < count; ++i) {
            entries.push_back({.id = {.term = 1, .index = ++index_}, .payload = payload_});
        }
        return entries;
    }
    // As a node does now and then.
    void release() {
        check(wal_->append({.mark = wal::Mark{.id = wal_->last()}}));
        check(wal_->sync());
        wal_->release(index_);
    }

  private:
    LoopThread spares_thread_;
    std::unique_ptr<wal::Wal> wal_;
    uint64_t index_ = 0;
    const raft::Payload payload_ = std::make_shared<const Bytes>(kEntryBytes, 'v');
};

Series log_series(BenchedLog& log, size_t entries) {
    return {.name = "append_sync_" + std::to_string(entries), .once = [&log, entries] {
                check(log.wal().append_and_sync({.entries = log.next(entries)}));
            }};
}

// Without the disk: what the wal loop's core does for a batch.
Series encode_series(size_t count) {
    auto buffer = std::make_shared<wal::FrameBuffer>();
    std::vector<raft::Entry> entries;
    for (size_t i = 0; i < count; ++i) {
        entries.push_back({.id = {.term = 1, .index = i + 1},
                           .payload = std::make_shared<const Bytes>(kEntryBytes, 'v')});
    }
    return {.name = "encode_" + std::to_string(count), .once = [buffer, entries] {
                buffer->encode(wal::FrameKind::kBatch, {.salt = 1, .position = {}}, {},
                               {.entries = entries});
            }};
}

int run(const std::string& dir) {
    const auto fs = make_posix_file_system();
    check(fs->create_dirs(dir));
    {
        BenchedLog one(*fs, dir + "/one");
        BenchedLog hundred(*fs, dir + "/hundred");
        BenchedLog thousand(*fs, dir + "/thousand");
        std::vector<Series> all;
        all.push_back(raw_series(*fs, dir + "/raw512", 512));
        all.push_back(log_series(one, 1));
        all.push_back(raw_series(*fs, dir + "/raw32k", 32 * 1024));
        all.push_back(log_series(hundred, 100));
        all.push_back(raw_series(*fs, dir + "/raw320k", 320 * 1024));
        all.push_back(log_series(thousand, 1000));
        all.push_back(encode_series(1000));
        all.push_back({.name = "mark_and_release", .once = [&thousand] { thousand.release(); }});
        run_in_turns(all);
        print(all);
    }
    std::filesystem::remove_all(dir);
    return 0;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
    return quorate::run(argc > 1 ? argv[1] : "wal-bench");
}
