// SPDX-License-Identifier: Apache-2.0
//
// The files of a LevelDB directory by their names: NNNNNN.log, NNNNNN.ldb, MANIFEST-NNNNNN,
// CURRENT; and NNNNNN.state, which are ours. Pure functions, any thread.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace quorate::leveldb_engine {

enum class FileKind : uint8_t { kLog, kTable, kManifest, kCurrent, kState, kOther };

struct FileName {
    FileKind kind = FileKind::kOther;
    uint64_t number = 0;
};

// `path` with or without its folder.
inline FileName parse_file_name(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    if (name == "CURRENT") {
        return {FileKind::kCurrent, 0};
    }
    constexpr std::string_view kManifestPrefix = "MANIFEST-";
    const bool manifest = name.starts_with(kManifestPrefix);
    const std::string_view rest = manifest ? name.substr(kManifestPrefix.size()) : name;
    uint64_t number = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    const std::string_view suffix(stop, static_cast<size_t>(rest.data() + rest.size() - stop));
    if (error != std::errc() || manifest != suffix.empty()) {
        return {};
    }
    if (manifest) {
        return {FileKind::kManifest, number};
    }
    if (suffix == ".log") {
        return {FileKind::kLog, number};
    }
    if (suffix == ".state") {
        return {FileKind::kState, number};
    }
    return suffix == ".ldb" || suffix == ".sst" ? FileName{FileKind::kTable, number} : FileName{};
}

inline std::string numbered(uint64_t number, std::string_view suffix) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%06llu", static_cast<unsigned long long>(number));
    return digits + std::string(suffix);
}

}  // namespace quorate::leveldb_engine
