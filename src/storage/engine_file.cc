// SPDX-License-Identifier: Apache-2.0
#include "storage/engine_file.h"

#include "base/bytes.h"
#include "base/errors.h"

#include <algorithm>
#include <filesystem>
#include <memory>

namespace quorate::storage {

namespace {

constexpr std::string_view kFileName = "ENGINE";
constexpr std::string_view kLostAndFound = "lost+found";
constexpr size_t kFileBytesMax = 256;

// What a file system puts there by itself, and what is left of an ENGINE that a crash cut short.
bool is_nobodys(const std::string& name) {
    return name == kLostAndFound || name.starts_with(kFileName);
}

}  // namespace

Result<bool> claim_directory(const std::string& path, std::string_view engine) {
    const std::unique_ptr<FileSystem> fs = make_posix_file_system();
    if (Status s = fs->create_dirs(path); !s.ok()) {
        return s;
    }
    const std::string file = path + '/' + std::string(kFileName);
    const Result<bool> claimed = fs->exists(file);
    if (!claimed) {
        return claimed.error();
    }
    if (*claimed) {
        Result<Bytes> found = read_whole_file(*fs, file, kFileBytesMax);
        if (!found) {
            return found.error();
        }
        while (found->ends_with('\n')) {
            found->pop_back();
        }
        if (*found != engine) {
            return Status(errors::kPlugin,
                          "data directory " + path + " was written by storage engine " + *found +
                              ", not by " + std::string(engine) + "; use storage = " + *found +
                              ", or move the data with quorate util migrate");
        }
        return false;
    }
    const Result<std::vector<std::string>> names = fs->list(path);
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        if (!is_nobodys(name)) {
            return Status(errors::kPlugin, "data directory " + path + " holds \"" + name +
                                               "\" but no file ENGINE: not written by Quorate");
        }
    }
    if (Status s = write_file_atomically(*fs, file, std::string(engine) + '\n'); !s.ok()) {
        return s;
    }
    return true;
}

void abandon_directory(const std::string& path) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
        if (entry.path().filename() != kLostAndFound) {
            std::filesystem::remove_all(entry.path(), ignored);
        }
    }
}

Result<std::vector<std::string>> engines_in(FileSystem& fs, const std::string& member_dir) {
    const Result<bool> there = fs.exists(member_dir);
    if (!there) {
        return there.error();
    }
    std::vector<std::string> engines;
    if (!*there) {
        return engines;
    }
    const Result<std::vector<std::string>> names = fs.list(member_dir);
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        if (name.find('.') != std::string::npos) {
            continue;
        }
        // Not a folder: then nothing is in it either.
        const Result<bool> marked =
            fs.exists(member_dir + '/' + name + "/" + std::string(kFileName));
        if (marked && *marked) {
            engines.push_back(name);
        }
    }
    std::sort(engines.begin(), engines.end());
    return engines;
}

}  // namespace quorate::storage
