// SPDX-License-Identifier: Apache-2.0
//
// A whole storage engine, as a template for others: all pairs in a sorted map, and a log that every
// batch is appended to and that is written anew at the start when most of it is garbage. Right by
// the conformance tests and simple, not fast: every write syncs, and the first one after a view was
// opened copies the map.
#include "plugin/cxx/options.h"
#include "plugin/cxx/record_log.h"
#include "plugin/cxx/storage.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace example {

namespace qp = quorate::plugin;

namespace {

using qp::Result;
using qp::Status;
using std::string_view;
using Map = std::map<std::string, std::string, std::less<>>;

constexpr size_t kRewriteBytes = 1 << 20;  // of one record of a rewrite, and of garbage borne

class Cursor {
  public:
    Cursor(std::shared_ptr<const Map> map, const qp::Scan& scan)
        : map_(std::move(map)), reverse_(scan.reverse), begin_(map_->lower_bound(scan.lo)) {
        end_ = scan.hi.empty() ? map_->end() : map_->lower_bound(std::max(scan.lo, scan.hi));
    }
    Result<bool> next(qp::Pair& pair) {
        if (begin_ == end_) {
            return false;
        }
        const auto at = reverse_ ? --end_ : begin_++;
        pair = {at->first, at->second};
        return true;
    }

  private:
    const std::shared_ptr<const Map> map_;
    const bool reverse_;
    Map::const_iterator begin_;  // what is left lies between these two
    Map::const_iterator end_;
};

class View {
  public:
    explicit View(std::shared_ptr<const Map> map) : map_(std::move(map)) {}
    Result<bool> get(string_view key, qp::Sink value) {
        const auto found = map_->find(key);
        if (found != map_->end()) {
            value.append(found->second);
        }
        return found != map_->end();
    }
    Result<std::unique_ptr<Cursor>> scan(const qp::Scan& scan) {
        return std::make_unique<Cursor>(map_, scan);
    }

  private:
    const std::shared_ptr<const Map> map_;
};

class Engine {
  public:
    static constexpr const char* kName = "example";
    static constexpr const char* kVersion = "1.0";
    using View = example::View;
    using Cursor = example::Cursor;

    static Result<std::unique_ptr<Engine>> open(const qp::OpenArguments& arguments) {
        const qp::OptionReader options(arguments.options, arguments.option_count);
        if (Status s = options.finish(); !s.ok()) {
            return s;
        }
        auto engine = std::make_unique<Engine>(std::string(arguments.path));
        if (Status s = engine->load(); !s.ok()) {
            return s;
        }
        return engine;
    }

    explicit Engine(std::string dir) : log_(std::move(dir)) {}

    Result<std::unique_ptr<View>> view() {
        const std::lock_guard lock(mutex_);
        shared_ = true;
        return std::make_unique<View>(map_);
    }

    Status write(qp::Batch batch, bool) {
        std::string payload;
        for (const quorate_storage_op& op : batch) {
            encode(payload, op.kind, qp::view(op.key), qp::view(op.value));
        }
        if (failed_.ok()) {
            failed_ = log_.append(payload);
        }
        if (failed_.ok()) {
            const std::lock_guard lock(mutex_);
            map_ = shared_ ? std::make_shared<Map>(*map_) : map_;
            shared_ = false;
            apply(payload);
            log_bytes_ = log_.bytes();
        }
        return failed_;
    }

    Status sync() { return failed_; }  // every write has

    Result<qp::Stats> stats() {
        const std::lock_guard lock(mutex_);
        return qp::Stats{log_bytes_, live_bytes_};
    }

  private:
    Status load() {
        Status status = log_.open([this](string_view payload) { return apply(payload); });
        if (status.ok() && log_.bytes() > 2 * live_bytes_ + kRewriteBytes) {
            status = rewrite();
        }
        log_bytes_ = log_.bytes();
        return status;
    }

    Status rewrite() {
        Status status = log_.rewrite_begin();
        std::string payload;
        for (auto at = map_->begin(); at != map_->end() && status.ok(); ++at) {
            encode(payload, QUORATE_STORAGE_PUT, at->first, at->second);
            if (payload.size() >= kRewriteBytes) {
                status = log_.append(std::exchange(payload, {}));
            }
        }
        if (status.ok()) {
            status = log_.append(payload);
        }
        return status.ok() ? log_.rewrite_end() : status;
    }

    static void encode(std::string& to, uint32_t kind, string_view key, string_view value) {
        to.append(qp::to_raw(kind) + qp::to_raw(uint64_t{key.size()}) +
                  qp::to_raw(uint64_t{value.size()}));
        to.append(key).append(value);
    }

    // A list of operations; false when the payload is none.
    bool apply(string_view payload) {
        while (!payload.empty()) {
            const auto kind = qp::take_raw<uint32_t>(payload);
            const auto key_bytes = qp::take_raw<uint64_t>(payload);
            const auto value_bytes = qp::take_raw<uint64_t>(payload);
            if (!value_bytes || *key_bytes + *value_bytes > payload.size()) {
                return false;
            }
            const std::string key(payload.substr(0, *key_bytes));
            const std::string value(payload.substr(*key_bytes, *value_bytes));
            payload.remove_prefix(*key_bytes + *value_bytes);
            const bool range = *kind == QUORATE_STORAGE_DELETE_RANGE;
            const auto end = !range          ? map_->upper_bound(key)
                             : value.empty() ? map_->end()
                                             : map_->lower_bound(std::max(key, value));
            for (auto at = map_->lower_bound(key); at != end; at = map_->erase(at)) {
                live_bytes_ -= at->first.size() + at->second.size();
            }
            if (*kind == QUORATE_STORAGE_PUT) {
                live_bytes_ += key.size() + value.size();
                map_->emplace(key, value);
            }
        }
        return true;
    }

    qp::RecordLog log_;  // writer thread
    Status failed_;      // writer thread; the first failed write is the last one
    std::mutex mutex_;
    std::shared_ptr<Map> map_ = std::make_shared<Map>();  // under mutex_, as all that follows
    bool shared_ = false;                                 // a view may hold map_
    uint64_t log_bytes_ = 0;
    uint64_t live_bytes_ = 0;
};

}  // namespace

}  // namespace example

extern "C" QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry() {
    return quorate::plugin::storage_plugin<example::Engine>();
}
