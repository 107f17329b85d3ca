// SPDX-License-Identifier: Apache-2.0
#include "plugin/host.h"

#include "base/log.h"
#include "base/source_location.h"
#include "plugin/plugin.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace quorate::plugin {

namespace {

bool is_counter_name(std::string_view name) {
    return name.ends_with("_total") && std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}

log::Level to_level(int32_t level) {
    switch (level) {
        case QUORATE_LOG_DEBUG:
            return log::Level::kDebug;
        case QUORATE_LOG_WARN:
            return log::Level::kWarn;
        case QUORATE_LOG_ERROR:
            return log::Level::kError;
        default:
            return log::Level::kInfo;
    }
}

}  // namespace

Host::Table::Table(Host& host, std::string plugin)
    : host_(host),
      plugin_(std::move(plugin)),
      abi_{sizeof abi_, this, Host::log, Host::metric_add, Host::now_ms, Host::unix_ms} {}

void Host::log(void* ctx, int32_t level, quorate_bytes message, const quorate_log_field* fields,
               size_t field_count) noexcept {
    const auto where = SourceLocation::current();
    if (!log::enabled(to_level(level), where)) {
        return;
    }
    std::vector<log::Field> list;
    list.reserve(field_count + 1);
    list.emplace_back("plugin", static_cast<const Table*>(ctx)->plugin_);
    for (size_t i = 0; i < field_count; ++i) {
        list.emplace_back(from_abi(fields[i].key), from_abi(fields[i].value));
    }
    log::write(to_level(level), from_abi(message), list, where);
}

void Host::metric_add(void* ctx, quorate_bytes name, uint64_t amount) noexcept {
    const auto* table = static_cast<const Table*>(ctx);
    metrics::Counter* counter = table->host_.counter(from_abi(name), table->plugin_);
    if (counter != nullptr) {
        counter->add(amount);
    }
}

int64_t Host::now_ms(void* ctx) noexcept {
    return static_cast<const Table*>(ctx)->host_.clock_.monotonic_ns() / 1'000'000;
}

int64_t Host::unix_ms(void* ctx) noexcept {
    return static_cast<const Table*>(ctx)->host_.clock_.unix_ns() / 1'000'000;
}

metrics::Counter* Host::counter(std::string_view name, std::string_view plugin) {
    const std::lock_guard lock(mutex_);
    if (const auto known = counters_.find(name); known != counters_.end()) {
        return known->second;
    }
    if (counters_.size() >= kCountersMax || !is_counter_name(name)) {
        return nullptr;
    }
    metrics::Counter& counter = registry_.counter("quorate_plugin_" + std::string(name),
                                                  "Counted by plugin " + std::string(plugin) + ".");
    counters_.emplace(name, &counter);
    return &counter;
}

}  // namespace quorate::plugin
