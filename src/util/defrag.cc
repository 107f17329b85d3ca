// SPDX-License-Identifier: Apache-2.0
#include "base/human_bytes.h"
#include "util/commands.h"
#include "util/data_dir.h"
#include "util/report.h"

#include <cstdio>

namespace quorate::util {
namespace {

Status run_defrag(const Invocation& invocation) {
    const auto format = format_of(invocation);
    if (!format) {
        return format.error();
    }
    auto data = DataDir::open(invocation);
    if (!data) {
        return data.error();
    }
    auto engine = (*data)->open_engine();
    if (!engine) {
        return engine.error();
    }
    const auto before = (*engine)->stats();
    if (!before) {
        return before.error();
    }
    if (Status s = (*engine)->compact({}); !s.ok()) {
        return s;
    }
    if (Status s = (*engine)->sync(); !s.ok()) {
        return s;
    }
    const auto after = (*engine)->stats();
    if (!after) {
        return after.error();
    }
    if (*format == Format::kSimple) {
        std::printf("defragmented %s: %s before, %s now\n", (*data)->paths().engine_dir.c_str(),
                    human_bytes(before->disk_bytes).c_str(),
                    human_bytes(after->disk_bytes).c_str());
        return {};
    }
    print(*format, {{"size before", "SizeBefore", "sizeBefore", std::to_string(before->disk_bytes),
                     human_bytes(before->disk_bytes)},
                    {"size", "Size", "size", std::to_string(after->disk_bytes),
                     human_bytes(after->disk_bytes)}});
    return {};
}

const std::span<const OptionSpec> kOptions[] = {kDataOptions, kCommonOptions};

}  // namespace

const Command kDefrag = {
    .name = "defrag",
    .summary = "Gives the space of deleted rows back to the file system, all at once.",
    .details = "Never needed: storage engines reclaim space while the server runs.",
    .options = kOptions,
    .run = run_defrag,
};

}  // namespace quorate::util
