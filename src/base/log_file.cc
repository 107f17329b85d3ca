// SPDX-License-Identifier: Apache-2.0
#include "base/log_file.h"

#include "base/errors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

namespace quorate::log {

namespace {

constexpr mode_t kMode = 0640;
constexpr int64_t kDay_us = int64_t{24} * 60 * 60 * 1'000'000;

Status failed(const std::string& path) {
    return {errors::kConfig, "cannot open the log file " + path + ": " + std::strerror(errno)};
}

// "2006-01-02T15-04-05.000": sorts by time and is a valid file name everywhere.
std::string stamp(int64_t unix_us, bool local_time) {
    const auto time = static_cast<time_t>(unix_us / 1'000'000);
    tm parts;
    if (local_time) {
        localtime_r(&time, &parts);
    } else {
        gmtime_r(&time, &parts);
    }
    char text[64];
    const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H-%M-%S", &parts);
    char millis[8];
    std::snprintf(millis, sizeof millis, ".%03d", static_cast<int>(unix_us / 1000 % 1000));
    return std::string(text, length) + millis;
}

class FileOutput final : public Output {
  public:
    FileOutput(std::string path, std::optional<Rotation> rotation)
        : path_(std::move(path)), rotation_(rotation) {}
    ~FileOutput() override { close(); }
    FileOutput(const FileOutput&) = delete;
    FileOutput& operator=(const FileOutput&) = delete;

    Status reopen() override {
        const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kMode);
        if (fd < 0) {
            return failed(path_);
        }
        struct stat info;
        if (::fstat(fd, &info) != 0) {
            ::close(fd);
            return failed(path_);
        }
        close();
        fd_ = fd;
        size_bytes_ = static_cast<uint64_t>(info.st_size);
        return {};
    }

    void write(std::string_view text, const Line& line) override {
        if (rotation_) {
            const uint64_t max_bytes = uint64_t{rotation_->size_max_mib} * 1024 * 1024;
            if (size_bytes_ > 0 && size_bytes_ + text.size() > max_bytes) {
                rotate(line.unix_us);
            }
        }
        if (write_all(fd_, text)) {
            size_bytes_ += text.size();
        }
    }

  private:
    void close() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        fd_ = -1;
    }

    // On any failure the old file simply goes on.
    void rotate(int64_t now_us) {
        const std::filesystem::path path(path_);
        std::filesystem::path old = path.parent_path() / path.stem();
        old += "-" + stamp(now_us, rotation_->local_time) + path.extension().string();
        if (std::rename(path_.c_str(), old.c_str()) != 0) {
            return;
        }
        if (!reopen().ok()) {
            return;
        }
        remove_old(path, now_us);
    }

    void remove_old(const std::filesystem::path& path, int64_t now_us) const {
        std::vector<std::string> backups = list_backups(path);
        // Names sort by time: the newest come first.
        std::sort(backups.rbegin(), backups.rend());
        const std::string oldest =
            path.stem().string() + "-" +
            stamp(now_us - kDay_us * rotation_->age_max_days, rotation_->local_time);
        for (size_t i = 0; i < backups.size(); ++i) {
            const bool too_many = rotation_->backups_max != 0 && i >= rotation_->backups_max;
            const bool too_old = rotation_->age_max_days != 0 && backups[i] < oldest;
            if (too_many || too_old) {
                std::error_code ignored;
                std::filesystem::remove(path.parent_path() / backups[i], ignored);
            }
        }
    }

    // Names of the form that rotate() gives, without the folder.
    static std::vector<std::string> list_backups(const std::filesystem::path& path) {
        const std::string prefix = path.stem().string() + "-";
        const std::string suffix = path.extension().string();
        const size_t stamp_bytes = stamp(0, false).size();
        std::vector<std::string> names;
        std::error_code error;
        const std::filesystem::path folder =
            path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
        for (auto entry = std::filesystem::directory_iterator(folder, error);
             !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
            const std::string name = entry->path().filename().string();
            if (name.size() == prefix.size() + stamp_bytes + suffix.size() &&
                name.compare(0, prefix.size(), prefix) == 0 &&
                name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0) {
                names.push_back(name);
            }
        }
        return names;
    }

    const std::string path_;
    const std::optional<Rotation> rotation_;
    int fd_ = -1;
    uint64_t size_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Output>> open_file(const std::string& path,
                                          const std::optional<Rotation>& rotation) {
    auto output = std::make_unique<FileOutput>(path, rotation);
    if (Status s = output->reopen(); !s.ok()) {
        return s;
    }
    return std::unique_ptr<Output>(std::move(output));
}

}  // namespace quorate::log
