// SPDX-License-Identifier: Apache-2.0
#include "base/fault_file_system.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>
#include <utility>

namespace quorate {
namespace {

std::string parent_of(const std::string& path) {
    const size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

void put(Bytes& content, uint64_t offset, ByteView data) {
    const auto at = static_cast<size_t>(offset);
    if (content.size() < at + data.size()) {
        content.resize(at + data.size(), '\0');
    }
    content.replace(at, data.size(), data);
}

Status not_found(const std::string& path) {
    return {errors::kFileNotFound, path};
}

}  // namespace

class FaultFileSystem::Handle final : public File {
  public:
    Handle(FaultFileSystem& fs, std::string path, OpenMode mode, std::shared_ptr<Inode> inode,
           bool is_lock)
        : fs_(fs),
          path_(std::move(path)),
          mode_(mode),
          inode_(std::move(inode)),
          is_lock_(is_lock),
          epoch_(fs.epoch_) {}

    ~Handle() override {
        const std::lock_guard lock(fs_.mutex_);
        if (is_lock_ && epoch_ == fs_.epoch_) {
            fs_.locked_.erase(path_);
        }
    }

    Result<Bytes> read_at(uint64_t offset, size_t bytes) const override {
        const std::lock_guard lock(fs_.mutex_);
        if (Status s = fs_.check_alive(epoch_); !s.ok()) {
            return s;
        }
        QUORATE_ASSERT(mode_ != OpenMode::kWriteDirect);
        if (offset >= inode_->seen.size()) {
            return Bytes();
        }
        return inode_->seen.substr(static_cast<size_t>(offset), bytes);
    }

    Status write_at(uint64_t offset, ByteView data) override {
        const std::lock_guard lock(fs_.mutex_);
        if (Status s = fs_.check_alive(epoch_); !s.ok()) {
            return s;
        }
        QUORATE_ASSERT(mode_ != OpenMode::kRead);
        if (mode_ == OpenMode::kWriteDirect) {
            QUORATE_ASSERT(offset % kDirectBytes == 0);
            QUORATE_ASSERT(data.size() % kDirectBytes == 0);
            QUORATE_ASSERT(reinterpret_cast<uintptr_t>(data.data()) % kDirectBytes == 0);
        }
        const Status crash = fs_.begin_change();
        const Status written = fs_.write(*inode_, offset, data);
        return crash.ok() ? written : crash;
    }

    Status sync_data() override {
        const std::lock_guard lock(fs_.mutex_);
        if (Status s = fs_.check_alive(epoch_); !s.ok()) {
            return s;
        }
        if (Status s = fs_.begin_change(); !s.ok()) {
            return s;
        }
        ++fs_.syncs_;
        if (fs_.syncs_ == fs_.fail_sync_at_) {
            std::mt19937_64 random(fs_.changes_);
            fs_.decide(*inode_, random);
            return {errors::kIo, path_ + ": sync: injected"};
        }
        for (const FileChange& change : inode_->open_changes) {
            if (change.truncate_to) {
                inode_->disk.resize(static_cast<size_t>(*change.truncate_to), '\0');
            } else {
                put(inode_->disk, change.offset, change.data);
            }
        }
        inode_->open_changes.clear();
        return {};
    }

    Result<uint64_t> size() const override {
        const std::lock_guard lock(fs_.mutex_);
        if (Status s = fs_.check_alive(epoch_); !s.ok()) {
            return s;
        }
        return uint64_t{inode_->seen.size()};
    }

    Status truncate(uint64_t bytes) override {
        const std::lock_guard lock(fs_.mutex_);
        if (Status s = fs_.check_alive(epoch_); !s.ok()) {
            return s;
        }
        const Status crash = fs_.begin_change();
        inode_->seen.resize(static_cast<size_t>(bytes), '\0');
        inode_->open_changes.push_back({.truncate_to = bytes});
        return crash;
    }

  private:
    FaultFileSystem& fs_;
    const std::string path_;
    const OpenMode mode_;
    const std::shared_ptr<Inode> inode_;
    const bool is_lock_;
    const uint64_t epoch_;
};

FaultFileSystem::FaultFileSystem() : dirs_({"/", "."}) {}
FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::crash_at_change(uint64_t n) {
    const std::lock_guard lock(mutex_);
    crash_at_ = n == 0 ? 0 : changes_ + n;
}

void FaultFileSystem::fail_sync_at(uint64_t n) {
    const std::lock_guard lock(mutex_);
    fail_sync_at_ = n == 0 ? 0 : syncs_ + n;
}

void FaultFileSystem::set_capacity(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    capacity_ = bytes;
}

void FaultFileSystem::flip(const std::string& path, uint64_t offset, uint8_t mask) {
    const std::lock_guard lock(mutex_);
    const auto found = seen_names_.find(path);
    QUORATE_ASSERT(found != seen_names_.end());
    for (Bytes* content : {&found->second->seen, &found->second->disk}) {
        if (offset < content->size()) {
            char& byte = (*content)[static_cast<size_t>(offset)];
            byte = static_cast<char>(static_cast<uint8_t>(byte) ^ mask);
        }
    }
}

// Lets some of the unsynced data of a file reach the disk and forgets the rest.
void FaultFileSystem::decide(Inode& inode, std::mt19937_64& random) {
    // All, nothing and anything between are about equally likely.
    const uint64_t keep_of_16 = random() % 3 == 0 ? 0 : random() % 2 == 0 ? 16 : random() % 17;
    for (const FileChange& change : inode.open_changes) {
        if (change.truncate_to) {
            if (random() % 16 < keep_of_16) {
                inode.disk.resize(static_cast<size_t>(*change.truncate_to), '\0');
            }
            continue;
        }
        const ByteView data = change.data;
        for (size_t at = 0; at < data.size();) {
            const uint64_t offset = change.offset + at;
            const size_t to_boundary = kSectorBytes - static_cast<size_t>(offset % kSectorBytes);
            const size_t bytes = std::min(to_boundary, data.size() - at);
            if (random() % 16 < keep_of_16) {
                put(inode.disk, offset, data.substr(at, bytes));
            }
            at += bytes;
        }
    }
    inode.open_changes.clear();
}

void FaultFileSystem::power_cut(uint64_t seed) {
    const std::lock_guard lock(mutex_);
    std::mt19937_64 random(seed);
    // In the order of their names; files that lost their last name are gone anyway.
    std::set<Inode*> decided;
    const auto decide_once = [&](Inode& inode) {
        if (decided.insert(&inode).second) {
            decide(inode, random);
        }
    };
    for (const auto& [path, inode] : disk_names_) {
        decide_once(*inode);
    }
    for (const NameChange& change : open_names_) {
        if (change.inode != nullptr) {
            decide_once(*change.inode);
        }
    }
    const uint64_t keep_of_16 = random() % 3 == 0 ? 16 : random() % 17;
    for (const NameChange& change : open_names_) {
        if (random() % 16 < keep_of_16) {
            apply(change, disk_names_);
        }
    }
    open_names_.clear();
    for (const auto& [path, inode] : disk_names_) {
        inode->seen = inode->disk;
    }
    seen_names_ = disk_names_;
    locked_.clear();
    ++epoch_;
    crashed_ = false;
    crash_at_ = 0;
    fail_sync_at_ = 0;
}

void FaultFileSystem::kill() {
    const std::lock_guard lock(mutex_);
    locked_.clear();
    ++epoch_;
    crashed_ = false;
    crash_at_ = 0;
    fail_sync_at_ = 0;
}

bool FaultFileSystem::crashed() const {
    const std::lock_guard lock(mutex_);
    return crashed_;
}

uint64_t FaultFileSystem::change_count() const {
    const std::lock_guard lock(mutex_);
    return changes_;
}

std::map<std::string, Bytes> FaultFileSystem::content() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, Bytes> out;
    for (const auto& [path, inode] : seen_names_) {
        out[path] = inode->seen;
    }
    return out;
}

// A crash lets the change begin: the caller records it as open and fails.
Status FaultFileSystem::begin_change() {
    ++changes_;
    if (changes_ == crash_at_) {
        crashed_ = true;
        return {errors::kIo, "crashed"};
    }
    return {};
}

Status FaultFileSystem::check_alive(uint64_t epoch) const {
    if (crashed_ || epoch != epoch_) {
        return {errors::kIo, "crashed"};
    }
    return {};
}

void FaultFileSystem::apply(const NameChange& change, Names& names) {
    names.erase(change.removed);
    if (!change.set.empty()) {
        names[change.set] = change.inode;
    }
}

void FaultFileSystem::change_names(NameChange&& change) {
    apply(change, seen_names_);
    open_names_.push_back(std::move(change));
}

uint64_t FaultFileSystem::used_bytes() const {
    uint64_t bytes = 0;
    for (const auto& [path, inode] : seen_names_) {
        bytes += inode->seen.size();
    }
    return bytes;
}

Status FaultFileSystem::write(Inode& inode, uint64_t offset, ByteView data) {
    Status full;
    if (const uint64_t end = offset + data.size(); end > inode.seen.size()) {
        const uint64_t used = used_bytes();
        const uint64_t room = capacity_ > used ? capacity_ - used : 0;
        const uint64_t end_max = inode.seen.size() + room;
        if (end > end_max) {
            full = Status(errors::kDiskFull, "injected");
            data = data.substr(0, end_max > offset ? static_cast<size_t>(end_max - offset) : 0);
        }
    }
    if (!data.empty()) {
        put(inode.seen, offset, data);
        inode.open_changes.push_back({.offset = offset, .data = Bytes(data)});
    }
    return full;
}

Result<std::unique_ptr<File>> FaultFileSystem::open(const std::string& path, OpenMode mode) {
    const std::lock_guard lock(mutex_);
    if (Status s = check_alive(epoch_); !s.ok()) {
        return s;
    }
    const auto found = seen_names_.find(path);
    if (mode != OpenMode::kCreateNew) {
        if (found == seen_names_.end()) {
            return not_found(path);
        }
        return std::unique_ptr<File>(
            std::make_unique<Handle>(*this, path, mode, found->second, false));
    }
    if (found != seen_names_.end()) {
        return Status(errors::kIo, path + ": exists");
    }
    if (dirs_.count(parent_of(path)) == 0) {
        return not_found(path);
    }
    const Status crash = begin_change();
    auto inode = std::make_shared<Inode>();
    change_names({.dir = parent_of(path), .set = path, .inode = inode});
    if (!crash.ok()) {
        return crash;
    }
    return std::unique_ptr<File>(
        std::make_unique<Handle>(*this, path, mode, std::move(inode), false));
}

Status FaultFileSystem::create_dirs(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (Status s = check_alive(epoch_); !s.ok()) {
        return s;
    }
    for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        dirs_.insert(path.substr(0, end));
        if (end == std::string::npos) {
            return {};
        }
    }
}

Result<std::vector<std::string>> FaultFileSystem::list(const std::string& dir) const {
    const std::lock_guard lock(mutex_);
    if (Status s = check_alive(epoch_); !s.ok()) {
        return s;
    }
    if (dirs_.count(dir) == 0) {
        return not_found(dir);
    }
    std::vector<std::string> names;
    for (const auto& [path, inode] : seen_names_) {
        if (parent_of(path) == dir) {
            names.push_back(path.substr(path.find_last_of('/') + 1));
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

Result<bool> FaultFileSystem::exists(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    if (Status s = check_alive(epoch_); !s.ok()) {
        return s;
    }
    return seen_names_.count(path) != 0 || dirs_.count(path) != 0;
}

Status FaultFileSystem::rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock(mutex_);
    if (Status s = check_alive(epoch_); !s.ok()) {
        return s;
    }
    const auto found = seen_names_.find(from);
    if (found == seen_names_.end()) {
        return not_found(from);
    }
    const Status crash = begin_change();
    QUORATE_ASSERT(parent_of(from) == parent_of(to));
    change_names({.dir = parent_of(to), .removed = from, .set = to, .inode = found->second});
    return crash;
}

Status FaultFileSystem::remove(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (Status s = check_alive(epoch_); !s.ok()) {
        return s;
    }
    if (seen_names_.count(path) == 0) {
        return not_found(path);
    }
    const Status crash = begin_change();
    change_names({.dir = parent_of(path), .removed = path});
    return crash;
}

Status FaultFileSystem::sync_dir(const std::string& dir) {
    const std::lock_guard lock(mutex_);
    if (Status s = check_alive(epoch_); !s.ok()) {
        return s;
    }
    if (dirs_.count(dir) == 0) {
        return not_found(dir);
    }
    if (Status s = begin_change(); !s.ok()) {
        return s;
    }
    std::vector<NameChange> others;
    for (NameChange& change : open_names_) {
        if (change.dir == dir) {
            apply(change, disk_names_);
        } else {
            others.push_back(std::move(change));
        }
    }
    open_names_ = std::move(others);
    return {};
}

Result<std::unique_ptr<File>> FaultFileSystem::lock(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (Status s = check_alive(epoch_); !s.ok()) {
        return s;
    }
    if (locked_.count(path) != 0) {
        return Status(errors::kIo, path + ": in use by another process");
    }
    auto found = seen_names_.find(path);
    if (found == seen_names_.end()) {
        if (dirs_.count(parent_of(path)) == 0) {
            return not_found(path);
        }
        change_names({.dir = parent_of(path), .set = path, .inode = std::make_shared<Inode>()});
        found = seen_names_.find(path);
    }
    locked_.insert(path);
    return std::unique_ptr<File>(
        std::make_unique<Handle>(*this, path, OpenMode::kReadWrite, found->second, true));
}

}  // namespace quorate
