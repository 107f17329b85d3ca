// SPDX-License-Identifier: Apache-2.0
//
// Writer: the store of one moment as the portable snapshot, which is a bbolt database with etcd's
// buckets and the SHA-256 of it all behind it: what etcd's snapshot stream sends and its tools
// read.
//
// The caller pulls and so sets the pace. A bbolt file begins with where its trees end, so the view
// is walked twice: measure() lays the pages out, next() gives their bytes. Memory is bounded by one
// chunk, the largest row, the page under work on each level of a tree, and the tables that etcd
// sorts otherwise than we do (members, users, roles, alarms).
//
//   while (!measured) measured = writer.measure(rows);   size() is known from here on
//   while (chunk not empty) chunk = writer.next();
//
// One thread at a time, any thread; the pieces may be done by different threads. Errors: the
// engine's own, errors::kDamaged for a row that can't be read.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "storage/backend.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace quorate::snapshot {

struct WriterOptions {
    size_t page_bytes = 4096;
    size_t chunk_bytes_max = 64 << 10;
};

class Writer {
  public:
    // `view` outlives the writer and is all it looks at.
    Writer(storage::View& view, const WriterOptions& options);
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // The first walk, in slices of about `rows_max` rows. True when it is done.
    Result<bool> measure(size_t rows_max);
    // Bytes that next() will give in all. Known when measure() is done.
    uint64_t size() const;

    // The next bytes, borrowed until the next call; nothing at the end. The last chunk is the 32
    // bytes of the SHA-256, alone.
    Result<ByteView> next();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::snapshot
