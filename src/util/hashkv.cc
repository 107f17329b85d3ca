// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "base/file.h"
#include "mvcc/store.h"
#include "snapshot/reader.h"
#include "util/commands.h"
#include "util/data_dir.h"
#include "util/file_hash.h"
#include "util/report.h"

namespace quorate::util {
namespace {

constexpr OptionSpec kHashSpecs[] = {
    {"rev", "N", "hash up to this revision (default: the newest)"},
};

Result<mvcc::KeyValueHash> hash_file(const std::string& path, int64_t revision) {
    const auto fs = make_posix_file_system();
    auto reader = snapshot::Reader::open(*fs, path, snapshot::HashCheck::kSkipped);
    if (!reader) {
        return reader.error();
    }
    return hash_of_file(**reader, revision);
}

Result<mvcc::KeyValueHash> hash_data(const Invocation& invocation, int64_t revision) {
    auto data = DataDir::open(invocation);
    if (!data) {
        return data.error();
    }
    auto engine = (*data)->open_engine();
    if (!engine) {
        return engine.error();
    }
    const auto store = mvcc::Store::open(**engine, {});
    if (!store) {
        return store.error();
    }
    return (*store)->hash_kv(revision);
}

Status run_hashkv(const Invocation& invocation) {
    const auto format = format_of(invocation);
    if (!format) {
        return format.error();
    }
    const auto revision = invocation.number("rev", 0);
    if (!revision) {
        return revision.error();
    }
    const auto hash = invocation.operands.empty() ? hash_data(invocation, *revision)
                                                  : hash_file(invocation.operands[0], *revision);
    if (!hash) {
        return hash.error();
    }
    print(*format,
          {{"hash", "Hash", "hash", std::to_string(hash->hash)},
           {"hash revision", "Hash revision", "hashRevision", std::to_string(hash->hash_revision)},
           {"compact revision", "Compact revision", "compactRevision",
            std::to_string(hash->compact_revision)}});
    return {};
}

const std::span<const OptionSpec> kOptions[] = {kHashSpecs, kDataOptions, kCommonOptions};

}  // namespace

const Command kHashKv = {
    .name = "hashkv",
    .operands = "[FILE]",
    .operands_max = 1,
    .summary = "Prints the hash of keys and values, of a snapshot file or a data directory.",
    .details =
        "The number is that of \"etcdctl endpoint hashkv\" at the same revision, on any\n"
        "member, of Quorate or etcd. A data directory is hashed as far as its storage\n"
        "engine has it; what is only in the log comes after the next start.",
    .options = kOptions,
    .run = run_hashkv,
};

}  // namespace quorate::util
