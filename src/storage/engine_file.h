// SPDX-License-Identifier: Apache-2.0
//
// The file ENGINE in a store's directory: which storage engine wrote it. Start-stop thread.
#pragma once

#include "base/file.h"
#include "base/status.h"

#include <string>
#include <string_view>
#include <vector>

namespace quorate::storage {

// Creates the directory and its ENGINE file where they are missing. errors::kPlugin when the
// directory belongs to another engine, or holds files but no ENGINE. True when nobody had claimed
// it.
Result<bool> claim_directory(const std::string& path, std::string_view engine);

// Empties a directory that was just claimed, for an engine that then could not open it.
void abandon_directory(const std::string& path);

// The engines whose stores lie in a member's folder, in the order of their names. A name with a dot
// in it is of a store that was put aside or is not whole yet.
Result<std::vector<std::string>> engines_in(FileSystem& fs, const std::string& member_dir);

}  // namespace quorate::storage
