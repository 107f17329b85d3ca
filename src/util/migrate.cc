// SPDX-License-Identifier: Apache-2.0
//
// Rows go from engine to engine as they are, in <engine>.part, which takes its own name when all of
// it is on the disk and was read back. A crash at any moment leaves the old engine in use, or two
// engines that hold the same. The log stays where it is.
#include "base/errors.h"
#include "base/human_bytes.h"
#include "storage/schema.h"
#include "util/commands.h"
#include "util/data_dir.h"
#include "util/engine_copy.h"
#include "util/report.h"

#include <cstdio>
#include <filesystem>
#include <utility>

namespace quorate::util {
namespace {

constexpr OptionSpec kMigrateSpecs[] = {
    {"from-storage", "ENGINE", "engine that holds the data; by default the one that wrote them"},
    {"to-storage", "ENGINE", "engine that is to hold them"},
    {"remove-source", "", "remove the old engine's files in the end"},
};

Status refuse_leftover(FileSystem& fs, const std::string& dir) {
    const auto exists = fs.exists(dir);
    if (!exists) {
        return exists.error();
    }
    return *exists ? Status(errors::kConfig, dir +
                                                 " is there already; remove it first, if nobody "
                                                 "needs it")
                   : Status();
}

Status remove_tree(const std::string& dir) {
    std::error_code error;
    std::filesystem::remove_all(dir, error);
    return error ? Status(errors::kIo, dir + ": " + error.message()) : Status();
}

// The engine was left in the middle of a restore, or never begun.
Status check_complete(storage::Backend& engine, const std::string& dir) {
    const auto view = engine.view();
    if (!view) {
        return view.error();
    }
    const auto format = (*view)->get(storage::kFormatVersionKey);
    if (!format) {
        return format.error();
    }
    return format->has_value()
               ? Status()
               : Status(errors::kDamaged, dir + " holds no complete store; restore it anew");
}

Result<CopyReport> copy(DataDir& data, const std::string& to, const std::string& part) {
    auto source = data.open_engine();
    if (!source) {
        return source.error();
    }
    if (Status s = check_complete(**source, data.paths().engine_dir); !s.ok()) {
        return s;
    }
    if (Status s = remove_tree(part); !s.ok()) {
        return s;
    }
    auto target = data.engines().open(to, part);
    if (!target) {
        return target.error();
    }
    return copy_engine(**source, **target);
}

Status run_migrate(const Invocation& given) {
    const auto format = format_of(given);
    if (!format) {
        return format.error();
    }
    const std::string to(given.text("to-storage"));
    if (to.empty()) {
        return {errors::kUsage, "to which engine? give --to-storage"};
    }
    Invocation invocation = given;
    if (given.given("from-storage")) {
        invocation.options["storage"] = given.text("from-storage");
    }
    auto data = DataDir::open(invocation);
    if (!data) {
        return data.error();
    }
    const std::string from = (*data)->engine_name();
    if (from == to) {
        return {errors::kUsage, "the data are in " + to + " already; --to-storage needs another"};
    }
    const std::string member_dir = (*data)->paths().data_dir + "/member";
    const std::string target = member_dir + "/" + to;
    const std::string old = (*data)->paths().engine_dir + ".migrated";
    FileSystem& fs = (*data)->fs();
    for (const std::string& dir : {target, old}) {
        if (Status s = refuse_leftover(fs, dir); !s.ok()) {
            return s;
        }
    }
    const auto report = copy(**data, to, target + ".part");
    if (!report) {
        (void)remove_tree(target + ".part");
        return report.error();
    }
    if (Status s = fs.rename(target + ".part", target); !s.ok()) {
        return s;
    }
    if (Status s = fs.rename((*data)->paths().engine_dir, old); !s.ok()) {
        return s;
    }
    if (Status s = fs.sync_dir(member_dir); !s.ok()) {
        return s;
    }
    if (given.on("remove-source")) {
        if (Status s = remove_tree(old); !s.ok()) {
            return s;
        }
    }
    if (*format == Format::kSimple) {
        std::printf("migrated %llu rows from %s to %s; start the server with --storage %s%s\n",
                    static_cast<unsigned long long>(report->rows), from.c_str(), to.c_str(),
                    to.c_str(),
                    given.on("remove-source") ? "" : ("; the old files are in " + old).c_str());
        return {};
    }
    print(*format,
          {{"from", "From", "from", from, {}, true},
           {"to", "To", "to", to, {}, true},
           {"rows", "Rows", "rows", std::to_string(report->rows)},
           {"bytes", "Bytes", "bytes", std::to_string(report->bytes), human_bytes(report->bytes)}});
    return {};
}

const std::span<const OptionSpec> kOptions[] = {kMigrateSpecs, kDataOptions, kCommonOptions};

}  // namespace

const Command kMigrate = {
    .name = "migrate",
    .summary = "Moves the data of a stopped member into another storage engine.",
    .details =
        "The log, the member's identity and everything else stay as they are. The old\n"
        "engine's files are kept beside the new ones, as ENGINE.migrated, for a way back:\n"
        "rename them as long as the server has not run on the new ones.\n\n"
        "  quorate util migrate --data-dir /var/lib/quorate --to-storage rocksdb",
    .options = kOptions,
    .run = run_migrate,
};

}  // namespace quorate::util
