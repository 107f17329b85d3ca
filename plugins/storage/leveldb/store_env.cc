// SPDX-License-Identifier: Apache-2.0
#include "store_env.h"

#include "file_name.h"
#include "manifest_check.h"
#include "plugin/cxx/posix.h"
#include "plugin_status.h"
#include "table_writer.h"

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace quorate::leveldb_engine {

namespace {

using plugin::PosixFile;
using plugin::Result;
using plugin::Status;

// LevelDB finds damage right after the read that brought it, on the same thread; so the table read
// last is the damaged one. Merges run on LevelDB's own thread, and their errors show up on another.
thread_local uint64_t last_table = 0;
thread_local bool in_background = false;

// LevelDB keeps the system's text and not its number.
bool is_system_error(const leveldb::Status& status, int error) {
    const std::string text = std::error_code(error, std::generic_category()).message();
    return status.ToString().find(text) != std::string::npos;
}

}  // namespace

class StoreEnv::TableFile final : public leveldb::RandomAccessFile {
  public:
    TableFile(StoreEnv& env, PosixFile file)
        : env_(env), number_(parse_file_name(file.path()).number), file_(std::move(file)) {}

    leveldb::Status Read(uint64_t offset, size_t bytes, leveldb::Slice* ret,
                         char* scratch) const override {
        env_.note_read(number_);
        Result<size_t> got = file_.read_at(offset, scratch, bytes);
        if (!got) {
            return to_leveldb(got.error());
        }
        *ret = leveldb::Slice(scratch, *got);
        return leveldb::Status::OK();
    }

  private:
    StoreEnv& env_;
    const uint64_t number_;
    const PosixFile file_;
};

// One thread at a time. LevelDB syncs a manifest with every change.
class StoreEnv::ManifestFile final : public leveldb::WritableFile {
  public:
    ManifestFile(StoreEnv& env, uint64_t number, std::unique_ptr<leveldb::WritableFile> file)
        : env_(env), number_(number), file_(std::move(file)) {}

    leveldb::Status Append(const leveldb::Slice& data) override {
        bytes_ += data.size();
        return file_->Append(data);
    }

    leveldb::Status Close() override {
        const leveldb::Status synced = Sync();
        const leveldb::Status closed = file_->Close();
        return synced.ok() ? closed : synced;
    }

    leveldb::Status Flush() override { return file_->Flush(); }

    leveldb::Status Sync() override {
        if (const leveldb::Status s = file_->Sync(); !s.ok()) {
            return s;
        }
        return to_leveldb(env_.mark_.synced({number_, bytes_, 1}));
    }

  private:
    StoreEnv& env_;
    const uint64_t number_;
    const std::unique_ptr<leveldb::WritableFile> file_;
    uint64_t bytes_ = 0;
};

// Takes what LevelDB logs, and keeps nothing. What is logged goes to the memtable next, with no
// other write and no new log in between.
class StoreEnv::NoFile final : public leveldb::WritableFile {
  public:
    explicit NoFile(StateRows& rows) : rows_(rows) {}

    leveldb::Status Append(const leveldb::Slice&) override {
        rows_.logged();
        return {};
    }
    leveldb::Status Close() override { return {}; }
    leveldb::Status Flush() override { return {}; }
    leveldb::Status Sync() override { return {}; }

  private:
    StateRows& rows_;
};

StoreEnv::StoreEnv(std::string dir, StateRows& rows)
    : leveldb::EnvWrapper(leveldb::Env::Default()),
      dir_(std::move(dir)),
      rows_(rows),
      state_files_(dir_) {}

leveldb::Status StoreEnv::fail(const Status& status) {
    failure_ = status;
    return to_leveldb(status);
}

void StoreEnv::note_read(uint64_t table) {
    last_table = table;
    if (in_background) {
        background_table_.store(table, std::memory_order_relaxed);
    }
}

Status StoreEnv::to_status(const leveldb::Status& status, Work work) const {
    if (status.ok()) {
        return {};
    }
    if (status.IsCorruption()) {
        const uint64_t table = work == Work::kThisThread
                                   ? last_table
                                   : background_table_.load(std::memory_order_relaxed);
        const std::string place = table == 0 ? dir_ : dir_ + '/' + numbered(table, ".ldb");
        return {QUORATE_DATA_LOSS, place + ": " + status.ToString()};
    }
    const bool full = is_system_error(status, ENOSPC) || is_system_error(status, EDQUOT);
    return {full ? QUORATE_RESOURCE_EXHAUSTED : QUORATE_INTERNAL, status.ToString()};
}

leveldb::Status StoreEnv::NewRandomAccessFile(const std::string& path,
                                              leveldb::RandomAccessFile** ret) {
    Result<PosixFile> file = PosixFile::open(path, O_RDONLY);
    if (!file) {
        return to_leveldb(file.error());
    }
    *ret = std::make_unique<TableFile>(*this, std::move(*file)).release();
    return leveldb::Status::OK();
}

leveldb::Status StoreEnv::NewWritableFile(const std::string& path, leveldb::WritableFile** ret) {
    const FileName name = parse_file_name(path);
    if (name.kind == FileKind::kLog) {
        const Status saved = state_files_.save(name.number, rows_.stored());
        if (saved.ok()) {
            *ret = std::make_unique<NoFile>(rows_).release();
        }
        return to_leveldb(saved);
    }
    if (name.kind == FileKind::kTable) {
        Result<PosixFile> file = PosixFile::open(path, O_WRONLY | O_CREAT | O_TRUNC);
        if (!file) {
            return to_leveldb(file.error());
        }
        *ret = std::make_unique<TableWriter>(std::move(*file)).release();
        return {};
    }
    if (name.kind != FileKind::kManifest) {
        return target()->NewWritableFile(path, ret);
    }
    if (const Status s = mark_.forget(name.number); !s.ok()) {
        return to_leveldb(s);
    }
    leveldb::WritableFile* file = nullptr;
    const leveldb::Status status = target()->NewWritableFile(path, &file);
    if (status.ok()) {
        *ret = std::make_unique<ManifestFile>(*this, name.number,
                                              std::unique_ptr<leveldb::WritableFile>(file))
                   .release();
    }
    return status;
}

leveldb::Status StoreEnv::RemoveFile(const std::string& path) {
    if (const FileName name = parse_file_name(path); name.kind == FileKind::kManifest) {
        if (const Status s = mark_.forget(name.number); !s.ok()) {
            return to_leveldb(s);
        }
    }
    return target()->RemoveFile(path);
}

leveldb::Status StoreEnv::RenameFile(const std::string& from, const std::string& to) {
    const leveldb::Status status = target()->RenameFile(from, to);
    // CURRENT now names a new manifest; the old one is removed next.
    return status.ok() ? to_leveldb(plugin::sync_directory(dir_)) : status;
}

// The first thing that LevelDB does with a store, and so where the store is checked.
leveldb::Status StoreEnv::LockFile(const std::string& path, leveldb::FileLock** ret) {
    if (const leveldb::Status s = target()->LockFile(path, ret); !s.ok()) {
        return fail({QUORATE_FAILED_PRECONDITION, path + ": used by another process"});
    }
    if (const Status status = check_store(); !status.ok()) {
        (void)target()->UnlockFile(*ret);
        *ret = nullptr;
        return fail(status);
    }
    return leveldb::Status::OK();
}

Status StoreEnv::check_store() {
    if (Status s = mark_.open(dir_); !s.ok()) {
        return s;
    }
    Result<CheckedManifest> manifest = check_and_trim(dir_, mark_);
    if (!manifest) {
        return manifest.error();
    }
    cut_bytes_ = manifest->cut_bytes;
    Result<StoredState> state =
        state_files_.open(manifest->log_number, mark_.manifest().state_files != 0);
    if (!state) {
        return state.error();
    }
    rows_.load(*state);
    return {};
}

void StoreEnv::Schedule(void (*function)(void*), void* argument) {
    struct Job {
        void (*function)(void*);
        void* argument;
    };
    auto job = std::make_unique<Job>(Job{function, argument});
    target()->Schedule(
        [](void* raw) {
            const std::unique_ptr<Job> owned(static_cast<Job*>(raw));
            in_background = true;
            owned->function(owned->argument);
            in_background = false;
        },
        job.release());
}

}  // namespace quorate::leveldb_engine
