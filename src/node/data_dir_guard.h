// SPDX-License-Identifier: Apache-2.0
//
// What a start does to the data directory, undone when the start fails: folders that it made go
// again, and after a first start everything else that it wrote, so that the next one is a first
// start as well. A directory that is somebody's keeps every file. Start-stop thread.
//
// Other processes are kept out by locks on the folders themselves, which leave no file. They are
// held as long as the guard lives; without them this could happen:
//   1. A and B are started on one new directory; both find it empty.
//   2. A begins the log and serves. B can't have the engine, which A has locked.
//   3. B undoes what it takes for its own, and that is all that A has.
// Whether there is anything is therefore looked at under the lock, and who finds the lock taken has
// nothing to undo but empty folders.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "node/bootstrap.h"

#include <memory>
#include <string>
#include <vector>

namespace quorate::node {

class DataDirGuard {
  public:
    // prepare_data_dir and its errors; errors::kIo when another process has the directory.
    static Result<std::unique_ptr<DataDirGuard>> enter(FileSystem& fs, const DataPaths& paths);
    // Undoes what was done since then, unless keep() was called. No file in there is open any more.
    ~DataDirGuard();
    DataDirGuard(const DataDirGuard&) = delete;
    DataDirGuard& operator=(const DataDirGuard&) = delete;

    // The start has succeeded.
    void keep() { kept_ = true; }

  private:
    class Lock;

    explicit DataDirGuard(const DataPaths& paths);
    Status take(FileSystem& fs);
    Result<bool> lock(const std::string& dir);
    void undo_files() const;

    const DataPaths paths_;
    std::vector<std::string> made_dirs_;   // were not there before; the deepest first
    std::vector<std::string> empty_dirs_;  // had nothing in them when they were locked
    std::vector<std::unique_ptr<Lock>> locks_;
    bool is_first_start_ = false;
    bool kept_ = false;
};

}  // namespace quorate::node
