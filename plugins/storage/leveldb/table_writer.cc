// SPDX-License-Identifier: Apache-2.0
#include "table_writer.h"

#include "plugin_status.h"

#include <utility>

namespace quorate::leveldb_engine {

namespace {

constexpr size_t kBufferBytes = size_t{64} * 1024;
constexpr uint64_t kWriteBackBytes = uint64_t{512} * 1024;

}  // namespace

TableWriter::TableWriter(plugin::PosixFile file) : file_(std::move(file)) {
    buffer_.reserve(kBufferBytes);
}

leveldb::Status TableWriter::Append(const leveldb::Slice& data) {
    buffer_.append(data.data(), data.size());
    return buffer_.size() < kBufferBytes ? leveldb::Status() : Flush();
}

leveldb::Status TableWriter::Close() {
    const leveldb::Status flushed = Flush();
    file_ = {};
    return flushed;
}

leveldb::Status TableWriter::Flush() {
    if (const plugin::Status s = file_.write_at(written_, buffer_); !s.ok()) {
        return to_leveldb(s);
    }
    written_ += buffer_.size();
    buffer_.clear();
    if (written_ - written_back_ >= kWriteBackBytes) {
        file_.write_back(written_back_, written_ - written_back_);
        written_back_ = written_;
    }
    return {};
}

leveldb::Status TableWriter::Sync() {
    const leveldb::Status flushed = Flush();
    return flushed.ok() ? to_leveldb(file_.sync()) : flushed;
}

}  // namespace quorate::leveldb_engine
