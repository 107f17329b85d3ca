// SPDX-License-Identifier: Apache-2.0
#include "node/data_dir_guard.h"

#include "base/errors.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace quorate::node {
namespace {

namespace disk = std::filesystem;

// Those of a folder and its parents that are not there.
void add_missing(disk::path dir, std::vector<std::string>& missing) {
    std::error_code error;
    while (!dir.empty() && !disk::exists(dir, error) && !error) {
        missing.push_back(dir);
        dir = dir.parent_path();
    }
}

bool is_empty_or_missing(const std::string& dir) {
    std::error_code error;
    const bool there = disk::exists(dir, error);
    return !error && (!there || (disk::is_empty(dir, error) && !error));
}

// A failure leaves what it could not remove; the start's own error is the one to tell.
void remove_contents(const std::string& dir) {
    std::error_code ignored;
    std::vector<disk::path> entries;
    for (disk::directory_iterator it(dir, ignored), end; it != end; it.increment(ignored)) {
        entries.push_back(it->path());
    }
    for (const disk::path& entry : entries) {
        disk::remove_all(entry, ignored);
    }
}

}  // namespace

class DataDirGuard::Lock {
  public:
    explicit Lock(const std::string& dir)
        : fd_(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
          open_error_(fd_ < 0 ? errno : 0) {}
    ~Lock() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    // 0, or why not.
    int take() const {
        if (fd_ < 0) {
            return open_error_;
        }
        while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EINTR) {
                return errno;
            }
        }
        return 0;
    }

    // Whoever had it before may have removed the folder, and somebody else made another one.
    bool is_of(const std::string& dir) const {
        struct stat held {};
        struct stat there {};
        return ::fstat(fd_, &held) == 0 && ::stat(dir.c_str(), &there) == 0 &&
               held.st_dev == there.st_dev && held.st_ino == there.st_ino;
    }

  private:
    const int fd_;
    const int open_error_;
};

DataDirGuard::DataDirGuard(const DataPaths& paths) : paths_(paths) {}

Result<std::unique_ptr<DataDirGuard>> DataDirGuard::enter(FileSystem& fs, const DataPaths& paths) {
    std::unique_ptr<DataDirGuard> guard(new DataDirGuard(paths));
    for (const std::string& dir :
         {paths.wal_dir, paths.engine_dir, paths.snapshot_dir, paths.certificate_dir}) {
        add_missing(dir, guard->made_dirs_);
    }
    std::stable_sort(guard->made_dirs_.begin(), guard->made_dirs_.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
    if (Status s = prepare_data_dir(fs, paths); !s.ok()) {
        return s;
    }
    if (Status s = guard->take(fs); !s.ok()) {
        return s;
    }
    return guard;
}

// The log may be elsewhere, where another member looks for its own.
Status DataDirGuard::take(FileSystem& fs) {
    const std::string member_dir = disk::path(paths_.engine_dir).parent_path();
    auto locked = lock(member_dir);
    std::error_code ignored;
    if (locked && *locked && !disk::equivalent(member_dir, paths_.wal_dir, ignored)) {
        locked = lock(paths_.wal_dir);
    }
    if (!locked) {
        return locked.error();
    }
    const auto known = fs.exists(paths_.identity_file);
    if (!known) {
        return known.error();
    }
    is_first_start_ = *locked && !*known;
    for (const std::string& dir :
         {paths_.engine_dir, paths_.wal_dir, paths_.snapshot_dir, paths_.certificate_dir}) {
        if (is_empty_or_missing(dir)) {
            empty_dirs_.push_back(dir);
        }
    }
    return {};
}

// False on file systems that have no such locks; nothing but empty folders is removed there.
Result<bool> DataDirGuard::lock(const std::string& dir) {
    auto lock = std::make_unique<Lock>(dir);
    const int error = lock->take();
    if (error == EWOULDBLOCK || (error == 0 && !lock->is_of(dir))) {
        return Status(errors::kIo, dir + ": in use by another process");
    }
    locks_.push_back(std::move(lock));
    return error == 0;
}

DataDirGuard::~DataDirGuard() {
    if (kept_) {
        return;
    }
    if (is_first_start_) {
        undo_files();
    }
    for (const std::string& dir : made_dirs_) {
        std::error_code ignored;  // not empty, most likely
        disk::remove(dir, ignored);
    }
}

void DataDirGuard::undo_files() const {
    std::error_code ignored;
    disk::remove(paths_.identity_file, ignored);
    for (const std::string& dir : empty_dirs_) {
        remove_contents(dir);
    }
}

}  // namespace quorate::node
