// SPDX-License-Identifier: Apache-2.0
//
// LevelDB's own remarks (merges, recovered logs) go to the core's log at level debug, and not to a
// file LOG beside the data. Any thread.
#pragma once

#include "plugin/abi/common.h"

#include <leveldb/env.h>

#include <cstdarg>

namespace quorate::leveldb_engine {

class HostLogger final : public leveldb::Logger {
  public:
    explicit HostLogger(const quorate_host& host) : host_(host) {}
    void Logv(const char* format, std::va_list arguments) override;

  private:
    const quorate_host& host_;
};

}  // namespace quorate::leveldb_engine
