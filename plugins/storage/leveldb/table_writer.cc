// SPDX-License-Identifier: Apache-2.0
#include "table_writer.h"

#include "plugin_status.h"

#include <string_view>
#include <utility>

namespace quorate::leveldb_engine {

namespace {

constexpr size_t kBufferBytes = size_t{64} * 1024;
constexpr size_t kPageBytes = 4096;
constexpr uint64_t kWriteBackBytes = uint64_t{512} * 1024;

}  // namespace

TableWriter::TableWriter(plugin::PosixFile file) : file_(std::move(file)) {
    buffer_.reserve(kBufferBytes);
}

leveldb::Status TableWriter::Append(const leveldb::Slice& data) {
    buffer_.append(data.data(), data.size());
    return buffer_.size() < kBufferBytes ? leveldb::Status()
                                         : write(buffer_.size() / kPageBytes * kPageBytes);
}

leveldb::Status TableWriter::Close() {
    const leveldb::Status written = write(buffer_.size());
    file_ = {};
    return written;
}

leveldb::Status TableWriter::Flush() {
    return {};
}

leveldb::Status TableWriter::Sync() {
    const leveldb::Status written = write(buffer_.size());
    return written.ok() ? to_leveldb(file_.sync()) : written;
}

leveldb::Status TableWriter::write(size_t bytes) {
    const std::string_view first = std::string_view(buffer_).substr(0, bytes);
    if (const plugin::Status s = file_.write_at(written_, first); !s.ok()) {
        return to_leveldb(s);
    }
    written_ += bytes;
    buffer_.erase(0, bytes);
    if (written_ - written_back_ >= kWriteBackBytes) {
        file_.write_back(written_back_, written_ - written_back_);
        written_back_ = written_;
    }
    return {};
}

}  // namespace quorate::leveldb_engine
