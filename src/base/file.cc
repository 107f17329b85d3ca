// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include "base/assert.h"
#include "base/errors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace quorate {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirMode = 0700;

Status system_error(int error, const char* call, const std::string& path) {
    std::string detail = path + ": " + call + ": " + std::strerror(error);
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return {errors::kDiskFull, std::move(detail)};
        case ENOENT:
            return {errors::kFileNotFound, std::move(detail)};
        default:
            return {errors::kIo, std::move(detail)};
    }
}

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    int get() const { return fd_; }

  private:
    int fd_;
};

Result<Descriptor> open_descriptor(const std::string& path, int flags) {
    for (;;) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
        if (fd >= 0) {
            return Descriptor(fd);
        }
        if (errno != EINTR) {
            return system_error(errno, "open", path);
        }
    }
}

class PosixFile final : public File {
  public:
    PosixFile(std::string path, Descriptor fd, bool direct)
        : path_(std::move(path)), fd_(std::move(fd)), direct_(direct) {}

    Result<Bytes> read_at(uint64_t offset, size_t bytes) const override {
        Bytes out(bytes, '\0');
        size_t done = 0;
        while (done < bytes) {
            const ssize_t n = ::pread(fd_.get(), out.data() + done, bytes - done,
                                      static_cast<off_t>(offset + done));
            if (n == 0) {
                break;
            }
            if (n < 0) {
                if (errno == EINTR) {
                    continue;
                }
                return system_error(errno, "read", path_);
            }
            done += static_cast<size_t>(n);
        }
        out.resize(done);
        return out;
    }

    Status write_at(uint64_t offset, ByteView data) override {
        if (direct_) {
            QUORATE_ASSERT(offset % kDirectBytes == 0);
            QUORATE_ASSERT(data.size() % kDirectBytes == 0);
            QUORATE_ASSERT(reinterpret_cast<uintptr_t>(data.data()) % kDirectBytes == 0);
        }
        while (!data.empty()) {
            const ssize_t n =
                ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
            if (n < 0) {
                if (errno == EINTR || (errno == EINVAL && stop_direct())) {
                    continue;
                }
                return system_error(errno, "write", path_);
            }
            if (direct_ && static_cast<size_t>(n) % kDirectBytes != 0) {
                // The rest would not be aligned; the page cache takes it.
                stop_direct();
            }
            data.remove_prefix(static_cast<size_t>(n));
            offset += static_cast<uint64_t>(n);
        }
        return {};
    }

    Status sync_data() override {
        // Not repeated on EINTR or anything else: after a failed sync the kernel may have dropped
        // the data and would report success.
        if (::fdatasync(fd_.get()) != 0) {
            return system_error(errno, "sync", path_);
        }
        return {};
    }

    void write_back(uint64_t offset, uint64_t bytes) override {
        const uint64_t before = std::min(offset, bytes);
        static_cast<void>(::sync_file_range(fd_.get(), static_cast<off_t>(offset),
                                            static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE));
        if (before == 0) {
            return;  // no bytes would mean all to the end
        }
        static_cast<void>(::sync_file_range(
            fd_.get(), static_cast<off_t>(offset - before), static_cast<off_t>(before),
            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
    }

    Result<uint64_t> size() const override {
        struct stat info {};
        if (::fstat(fd_.get(), &info) != 0) {
            return system_error(errno, "stat", path_);
        }
        return static_cast<uint64_t>(info.st_size);
    }

    Status truncate(uint64_t bytes) override {
        while (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) {
            if (errno != EINTR) {
                return system_error(errno, "truncate", path_);
            }
        }
        return {};
    }

  private:
    // Some file systems take O_DIRECT and refuse the first write. False when it was
    // off already.
    bool stop_direct() {
        if (!direct_) {
            return false;
        }
        direct_ = false;
        const int flags = ::fcntl(fd_.get(), F_GETFL);
        return flags >= 0 && ::fcntl(fd_.get(), F_SETFL, flags & ~O_DIRECT) == 0;
    }

    const std::string path_;
    const Descriptor fd_;
    bool direct_;
};

std::string parent_of(const std::string& path) {
    const size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

class PosixFileSystem final : public FileSystem {
  public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        auto fd = open_descriptor(path, flags_of(mode));
        if (!fd) {
            return fd.error();
        }
        // Switched on afterwards: a file system that has no such thing refuses this call alone.
        const bool direct = mode == OpenMode::kWriteDirect &&
                            ::fcntl(fd->get(), F_SETFL, flags_of(mode) | O_DIRECT) == 0;
        return std::unique_ptr<File>(
            std::make_unique<PosixFile>(path, std::move(fd).value(), direct));
    }

    Status create_dirs(const std::string& path) override {
        for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
            const std::string part = path.substr(0, end);
            if (::mkdir(part.c_str(), kDirMode) == 0) {
                if (Status s = sync_dir(parent_of(part)); !s.ok()) {
                    return s;
                }
            } else if (const int error = errno; error != EEXIST && !is_dir(part)) {
                // Existing parents may answer with EROFS or EACCES instead of EEXIST.
                return system_error(error, "mkdir", part);
            }
            if (end == std::string::npos) {
                return is_dir(path) ? Status() : system_error(ENOTDIR, "mkdir", path);
            }
        }
    }

    Result<std::vector<std::string>> list(const std::string& dir) const override {
        struct Close {
            void operator()(DIR* d) const { ::closedir(d); }
        };
        const std::unique_ptr<DIR, Close> handle(::opendir(dir.c_str()));
        if (handle == nullptr) {
            return system_error(errno, "list", dir);
        }
        std::vector<std::string> names;
        for (;;) {
            errno = 0;
            const struct dirent* entry = ::readdir(handle.get());
            if (entry == nullptr) {
                if (errno != 0) {
                    return system_error(errno, "list", dir);
                }
                break;
            }
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") {
                names.emplace_back(name);
            }
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    Result<bool> exists(const std::string& path) const override {
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0) {
            return true;
        }
        if (errno == ENOENT || errno == ENOTDIR) {
            return false;
        }
        return system_error(errno, "stat", path);
    }

    Status rename(const std::string& from, const std::string& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) {
            return system_error(errno, "rename", from);
        }
        return {};
    }

    Status remove(const std::string& path) override {
        if (::unlink(path.c_str()) != 0) {
            return system_error(errno, "remove", path);
        }
        return {};
    }

    Status sync_dir(const std::string& dir) override {
        auto fd = open_descriptor(dir, O_RDONLY | O_DIRECTORY);
        if (!fd) {
            return fd.error();
        }
        if (::fsync(fd->get()) != 0) {
            return system_error(errno, "sync", dir);
        }
        return {};
    }

    Result<std::unique_ptr<File>> lock(const std::string& path) override {
        auto fd = open_descriptor(path, O_RDWR | O_CREAT);
        if (!fd) {
            return fd.error();
        }
        // flock belongs to the open file, so a second holder in this process is refused as well.
        while (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                return Status(errors::kIo, path + ": in use by another process");
            }
            if (errno != EINTR) {
                return system_error(errno, "lock", path);
            }
        }
        return std::unique_ptr<File>(
            std::make_unique<PosixFile>(path, std::move(fd).value(), false));
    }

  private:
    static int flags_of(OpenMode mode) {
        switch (mode) {
            case OpenMode::kRead:
                return O_RDONLY;
            case OpenMode::kReadWrite:
                return O_RDWR;
            case OpenMode::kCreateNew:
                return O_RDWR | O_CREAT | O_EXCL;
            case OpenMode::kWriteDirect:
                return O_WRONLY;
        }
        return O_RDONLY;
    }

    static bool is_dir(const std::string& path) {
        struct stat info {};
        return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    }
};

Status write_new_file(FileSystem& fs, const std::string& path, ByteView content) {
    auto file = fs.open(path, OpenMode::kCreateNew);
    if (!file) {
        return file.error();
    }
    if (Status s = (*file)->write_at(0, content); !s.ok()) {
        return s;
    }
    return (*file)->sync_data();
}

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system() {
    return std::make_unique<PosixFileSystem>();
}

Status write_file_atomically(FileSystem& fs, const std::string& path, ByteView content) {
    const std::string temporary = path + ".tmp";
    // Left by a crash; nobody else uses the name.
    if (Status s = fs.remove(temporary); !s.ok() && !s.is(errors::kFileNotFound)) {
        return s;
    }
    Status written = write_new_file(fs, temporary, content);
    if (written.ok()) {
        written = fs.rename(temporary, path);
    }
    if (!written.ok()) {
        static_cast<void>(fs.remove(temporary));  // the first error is the one to tell
        return written;
    }
    return fs.sync_dir(parent_of(path));
}

Status remove_in_pieces(FileSystem& fs, const std::string& path) {
    constexpr uint64_t kPieceBytes = uint64_t{16} << 20;
    auto file = fs.open(path, OpenMode::kReadWrite);
    if (!file) {
        return file.error();
    }
    auto bytes = (*file)->size();
    if (!bytes) {
        return bytes.error();
    }
    for (uint64_t left = *bytes; left > kPieceBytes; left -= kPieceBytes) {
        if (Status s = (*file)->truncate(left - kPieceBytes); !s.ok()) {
            return s;
        }
    }
    return fs.remove(path);
}

Result<Bytes> read_whole_file(FileSystem& fs, const std::string& path, size_t bytes_max) {
    auto file = fs.open(path, OpenMode::kRead);
    if (!file) {
        return file.error();
    }
    auto size = (*file)->size();
    if (!size) {
        return size.error();
    }
    if (*size > bytes_max) {
        return Status(errors::kIo, path + ": has " + std::to_string(*size) + " bytes, more than " +
                                       std::to_string(bytes_max));
    }
    return (*file)->read_at(0, static_cast<size_t>(*size));
}

}  // namespace quorate
