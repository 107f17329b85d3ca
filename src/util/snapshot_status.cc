// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "base/human_bytes.h"
#include "snapshot/reader.h"
#include "util/commands.h"
#include "util/data_dir.h"
#include "util/report.h"

#include <cstdio>

namespace quorate::util {
namespace {

Status run_status(const Invocation& invocation) {
    const auto format = format_of(invocation);
    if (!format) {
        return format.error();
    }
    const auto fs = make_posix_file_system();
    // As etcdutl: a db file, which has no hash, has a status as well. `verify` insists on one.
    auto reader =
        snapshot::Reader::open(*fs, invocation.operands[0], snapshot::HashCheck::kSkipped);
    if (!reader) {
        return reader.error();
    }
    const auto status = (*reader)->status();
    if (!status) {
        return status.error();
    }
    char hash[16];
    std::snprintf(hash, sizeof hash, "%x", status->hash);
    print(*format, {{"hash", "Hash", "hash", std::to_string(status->hash), hash},
                    {"revision", "Revision", "revision", std::to_string(status->revision)},
                    {"total keys", "Keys", "totalKey", std::to_string(status->total_keys)},
                    {"total size", "Size", "totalSize", std::to_string(status->total_size),
                     human_bytes(status->total_size)},
                    {.title = "version",
                     .label = "Version",
                     .key = "version",
                     .value = status->version,
                     .is_text = true}});
    return {};
}

const std::span<const OptionSpec> kOptions[] = {kCommonOptions};

}  // namespace

const Command kSnapshotStatus = {
    .name = "snapshot status",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "Prints hash, revision, number of live keys and size of a snapshot file.",
    .details =
        "FILE is what \"etcdctl snapshot save\" wrote, from Quorate or etcd, or a db file of\n"
        "etcd's. The SHA-256 at its end is not looked at; \"verify FILE\" does.",
    .options = kOptions,
    .run = run_status,
};

}  // namespace quorate::util
