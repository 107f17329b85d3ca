// SPDX-License-Identifier: Apache-2.0
//
// TableWriter: a table that LevelDB writes. LevelDB's own would leave all of it to the sync at the
// end, which the core's log on the same disk would wait behind; this one lets the disk go along.
// It writes whole pages, many at a time: LevelDB flushes behind every block, and nobody reads a
// table before it is closed. One thread at a time.
#pragma once

#include "plugin/cxx/posix.h"

#include <leveldb/env.h>

#include <cstdint>
#include <string>

namespace quorate::leveldb_engine {

class TableWriter final : public leveldb::WritableFile {
  public:
    explicit TableWriter(plugin::PosixFile file);

    leveldb::Status Append(const leveldb::Slice& data) override;
    leveldb::Status Close() override;
    leveldb::Status Flush() override;
    leveldb::Status Sync() override;

  private:
    // The first so many bytes of the buffer.
    leveldb::Status write(size_t bytes);

    plugin::PosixFile file_;
    std::string buffer_;
    uint64_t written_ = 0;
    uint64_t written_back_ = 0;
};

}  // namespace quorate::leveldb_engine
