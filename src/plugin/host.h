// SPDX-License-Identifier: Apache-2.0
//
// Host: what the core offers to plugins, over base/log, base/metrics and base/clock. Each plugin
// gets a table of its own, so that a log line says which plugin wrote it.
// Any thread. Outlives the loader that hands its tables out.
#pragma once

#include "base/clock.h"
#include "base/metrics.h"
#include "plugin/abi/common.h"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace quorate::plugin {

class Host {
  public:
    // Counters that all plugins together may have. What goes to further ones, or to a name that is
    // none ([a-z0-9_]+, ending in _total), is not counted.
    static constexpr size_t kCountersMax = 256;

    Host(metrics::Registry& registry, const Clock& clock) : registry_(registry), clock_(clock) {}
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    // The services of one plugin. Must not move: the plugin holds its address.
    class Table {
      public:
        Table(Host& host, std::string plugin);
        Table(const Table&) = delete;
        Table& operator=(const Table&) = delete;

        const quorate_host& abi() const { return abi_; }

      private:
        friend class Host;
        Host& host_;
        const std::string plugin_;  // "storage_leveldb"
        quorate_host abi_;
    };

  private:
    static void log(void* ctx, int32_t level, quorate_bytes message,
                    const quorate_log_field* fields, size_t field_count) noexcept;
    static void metric_add(void* ctx, quorate_bytes name, uint64_t amount) noexcept;
    static int64_t now_ms(void* ctx) noexcept;
    static int64_t unix_ms(void* ctx) noexcept;

    // Null when there is no such counter and can't be.
    metrics::Counter* counter(std::string_view name, std::string_view plugin);

    metrics::Registry& registry_;
    const Clock& clock_;
    std::mutex mutex_;  // the registry's own is taken inside it
    std::map<std::string, metrics::Counter*, std::less<>> counters_;
};

}  // namespace quorate::plugin
