// SPDX-License-Identifier: Apache-2.0
//
// Our configuration file: "key = value" lines, [storage.leveldb] sections for the options of
// plugins, and # for comments at the start of a line or after a blank. A value in double quotes may
// hold # and outer blanks; inside them \" and \\ are escapes. Any thread.
#pragma once

#include "base/status.h"

#include <string>
#include <string_view>
#include <vector>

namespace quorate::config {

struct FileEntry {
    std::string section;  // empty before the first section
    std::string key;
    std::string value;
    size_t line;  // from 1
};

inline constexpr size_t kConfigFileBytesMax = 1024 * 1024;

// Fails with errors::kConfig and "path:line: what is wrong". A key given twice in a section is a
// failure; which keys there may be is not looked at here.
Result<std::vector<FileEntry>> parse_config_file(std::string_view path, std::string_view content);

// The whole file, at most kConfigFileBytesMax.
Result<std::string> read_config_file(const std::string& path);

}  // namespace quorate::config
