// SPDX-License-Identifier: Apache-2.0
//
// A failure of a system call as LevelDB carries it. Any thread.
#pragma once

#include "plugin/cxx/result.h"

#include <leveldb/status.h>

namespace quorate::leveldb_engine {

inline leveldb::Status to_leveldb(const plugin::Status& status) {
    return status.ok() ? leveldb::Status::OK() : leveldb::Status::IOError(status.text());
}

}  // namespace quorate::leveldb_engine
