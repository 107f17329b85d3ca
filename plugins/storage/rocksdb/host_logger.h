// SPDX-License-Identifier: Apache-2.0
//
// RocksDB's own remarks (flushes, merges) go to the core's log at level debug, its warnings and
// errors at theirs, and nothing to a file LOG beside the data. Any thread.
#pragma once

#include "plugin/abi/common.h"

#include <rocksdb/env.h>

#include <cstdarg>

namespace quorate::rocksdb_engine {

class HostLogger final : public rocksdb::Logger {
  public:
    explicit HostLogger(const quorate_host& host)
        : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), host_(host) {}
    using rocksdb::Logger::Logv;
    void Logv(const char* format, std::va_list arguments) override;
    void Logv(rocksdb::InfoLogLevel level, const char* format, std::va_list arguments) override;

  private:
    const quorate_host& host_;
};

}  // namespace quorate::rocksdb_engine
