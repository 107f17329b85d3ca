// SPDX-License-Identifier: Apache-2.0
//
// Snapshot files made of arbitrary bytes: no read beyond the file, no endless walk, no memory that
// a number in the file asked for; and what can be restored can be written and restored again with
// the same result. A file is a list of patches to a good one, since nearly no other bytes get far:
// offset (4 bytes), length (1 byte), bytes. A first byte above 127 makes the rest the file itself.
#include "base/assert.h"
#include "base/fault_file_system.h"
#include "mvcc/record.h"
#include "snapshot/cluster_rows.h"
#include "snapshot/restore.h"
#include "snapshot/writer.h"
#include "storage/mem_backend.h"
#include "storage/schema.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace quorate::snapshot {
namespace {

Bytes write_all(storage::Backend& backend) {
    const auto view = backend.view();
    Writer writer(**view, {.page_bytes = 1024});
    while (true) {
        const auto measured = writer.measure(1000);
        QUORATE_ASSERT(measured.has_value());
        if (*measured) {
            break;
        }
    }
    Bytes file;
    while (true) {
        const auto chunk = writer.next();
        QUORATE_ASSERT(chunk.has_value());
        if (chunk->empty()) {
            return file;
        }
        file += *chunk;
    }
}

Bytes make_good_file() {
    storage::MemBackend backend;
    storage::WriteBatch batch;
    for (int64_t main = 2; main < 60; ++main) {
        const std::string key = "key" + std::to_string(main % 20);
        batch.put(storage::record_key(main, 0),
                  main % 7 == 0
                      ? mvcc::encode_record({.key = key, .mod_revision = main})
                      : mvcc::encode_record({.key = key,
                                             .create_revision = main,
                                             .mod_revision = main,
                                             .version = 1,
                                             .value = Bytes(static_cast<size_t>(main * 5), 'v')}));
    }
    batch.put(storage::alarm_key({1, 1}), {});
    put_cluster_info({.applied = {.term = 1, .index = 2},
                      .configuration = {.voters = {1}},
                      .members = {{.id = 1, .name = "a", .peer_urls = {"http://a:1"}}},
                      .removed_members = {2},
                      .cluster_version = "3.7.0"},
                     batch);
    QUORATE_ASSERT(backend.write(batch, storage::Durability::kSynced).ok());
    return write_all(backend);
}

Bytes make_file(ByteView input) {
    if (!input.empty() && static_cast<unsigned char>(input[0]) > 127) {
        return Bytes(input.substr(1));
    }
    static const Bytes good = make_good_file();
    Bytes file = good;
    while (input.size() >= 5) {
        const size_t offset = load_le32(input.data()) % file.size();
        const size_t length = std::min(
            {size_t{static_cast<unsigned char>(input[4])}, input.size() - 5, file.size() - offset});
        file.replace(offset, length, input.substr(5, length));
        input.remove_prefix(5 + length);
    }
    return file;
}

void run(ByteView input) {
    FaultFileSystem fs;
    QUORATE_ASSERT((*fs.open("/s", OpenMode::kCreateNew))->write_at(0, make_file(input)).ok());
    static_cast<void>(Reader::open(fs, "/s", HashCheck::kRequired));
    const auto reader = Reader::open(fs, "/s", HashCheck::kSkipped);
    if (!reader) {
        return;
    }
    static_cast<void>((*reader)->status());
    storage::MemBackend first;
    if (!restore(**reader, first, {}).has_value()) {
        return;
    }
    const Bytes written = write_all(first);
    QUORATE_ASSERT((*fs.open("/t", OpenMode::kCreateNew))->write_at(0, written).ok());
    const auto again = Reader::open(fs, "/t", HashCheck::kRequired);
    QUORATE_ASSERT(again.has_value());
    storage::MemBackend second;
    const auto restored = restore(**again, second, {});
    QUORATE_ASSERT(restored.has_value());
    QUORATE_ASSERT(write_all(second) == written);
}

}  // namespace
}  // namespace quorate::snapshot

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    quorate::snapshot::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
