// SPDX-License-Identifier: Apache-2.0
#include "storage/plugin_backend.h"

#include "base/errors.h"
#include "plugin/abi/storage.h"
#include "storage/engine_file.h"
#include "storage/schema.h"

#include <optional>
#include <utility>
#include <vector>

namespace quorate::storage {

namespace {

using plugin::empty_error;
using plugin::from_abi;
using plugin::Plugin;
using plugin::to_abi;
using Interface = quorate_storage_interface;

// What views and cursors need of their store.
struct Engine {
    const Plugin& plugin;
    const Interface& calls;
};

class PluginCursor final : public Cursor {
  public:
    PluginCursor(const Engine& engine, quorate_storage_cursor* self)
        : engine_(engine), self_(self) {}
    ~PluginCursor() override { engine_.calls.cursor_close(self_); }

    Result<std::optional<Pair>> next() override {
        quorate_error error = empty_error();
        quorate_bytes key{};
        quorate_bytes value{};
        const quorate_code code = engine_.calls.cursor_next(self_, &key, &value, &error);
        if (code == QUORATE_NOT_FOUND) {
            return std::optional<Pair>();
        }
        if (code != QUORATE_OK) {
            return engine_.plugin.failure(code, error);
        }
        return std::optional<Pair>({from_abi(key), from_abi(value)});
    }

  private:
    const Engine engine_;
    quorate_storage_cursor* const self_;
};

class PluginView final : public View {
  public:
    PluginView(const Engine& engine, quorate_storage_view* self) : engine_(engine), self_(self) {}
    ~PluginView() override { engine_.calls.view_close(self_); }

    Result<std::optional<Bytes>> get(ByteView key) override {
        Bytes value;
        const quorate_sink sink = {&value, [](void* ctx, const char* data, size_t size) noexcept {
                                       static_cast<Bytes*>(ctx)->append(data, size);
                                   }};
        quorate_error error = empty_error();
        const quorate_code code = engine_.calls.get(self_, to_abi(key), sink, &error);
        if (code == QUORATE_NOT_FOUND) {
            return std::optional<Bytes>();
        }
        if (code != QUORATE_OK) {
            return engine_.plugin.failure(code, error);
        }
        return std::optional<Bytes>(std::move(value));
    }

    Result<std::unique_ptr<Cursor>> scan(const KeyRange& range, Direction direction) override {
        const uint32_t flags =
            direction == Direction::kReverse ? QUORATE_STORAGE_CURSOR_REVERSE : 0;
        quorate_error error = empty_error();
        quorate_storage_cursor* cursor = nullptr;
        const quorate_code code = engine_.calls.cursor_open(
            self_, to_abi(range.lo), to_abi(range.hi), flags, &cursor, &error);
        if (code != QUORATE_OK) {
            return engine_.plugin.failure(code, error);
        }
        return std::unique_ptr<Cursor>(std::make_unique<PluginCursor>(engine_, cursor));
    }

  private:
    const Engine engine_;
    quorate_storage_view* const self_;
};

uint32_t to_abi_kind(WriteBatch::Kind kind) {
    switch (kind) {
        case WriteBatch::Kind::kPut:
            return QUORATE_STORAGE_PUT;
        case WriteBatch::Kind::kDelete:
            return QUORATE_STORAGE_DELETE;
        case WriteBatch::Kind::kDeleteRange:
            return QUORATE_STORAGE_DELETE_RANGE;
    }
    QUORATE_ASSERT(false);
}

uint32_t hints_of(const WriteBatch::Op& op) {
    return op.kind == WriteBatch::Kind::kPut && !is_record_key(op.key) ? QUORATE_STORAGE_STATE : 0;
}

class PluginBackend final : public Backend {
  public:
    PluginBackend(const Plugin& plugin, const Interface& calls,
                  const quorate_storage_compact_interface& compact_calls, quorate_storage* self)
        : plugin_(plugin), calls_(calls), compact_calls_(compact_calls), self_(self) {}
    ~PluginBackend() override { calls_.destroy(self_); }

    Result<std::unique_ptr<View>> view() override {
        quorate_error error = empty_error();
        quorate_storage_view* view = nullptr;
        const quorate_code code = calls_.view_open(self_, &view, &error);
        if (code != QUORATE_OK) {
            return plugin_.failure(code, error);
        }
        return std::unique_ptr<View>(std::make_unique<PluginView>(Engine{plugin_, calls_}, view));
    }

    Status write(const WriteBatch& batch, Durability durability) override {
        ops_.clear();
        for (const WriteBatch::Op& op : batch.ops()) {
            ops_.push_back({to_abi_kind(op.kind), hints_of(op), to_abi(op.key), to_abi(op.value)});
        }
        const uint32_t flags = durability == Durability::kSynced ? QUORATE_STORAGE_WRITE_SYNC : 0;
        quorate_error error = empty_error();
        return finish(calls_.write(self_, ops_.data(), ops_.size(), flags, &error), error);
    }

    Status sync() override {
        quorate_error error = empty_error();
        return finish(calls_.sync(self_, &error), error);
    }

    Result<Stats> stats() const override {
        quorate_error error = empty_error();
        quorate_storage_stats stats{sizeof stats, 0, 0};
        const quorate_code code = calls_.stats(self_, &stats, &error);
        if (code != QUORATE_OK) {
            return plugin_.failure(code, error);
        }
        return Stats{stats.disk_bytes, stats.live_bytes};
    }

    Status compact(const KeyRange& range) override {
        if (compact_calls_.compact_range == nullptr) {
            return {};  // the engine reclaims as it sees fit
        }
        quorate_error error = empty_error();
        return finish(
            compact_calls_.compact_range(self_, to_abi(range.lo), to_abi(range.hi), &error), error);
    }

  private:
    Status finish(quorate_code code, const quorate_error& error) const {
        return code == QUORATE_OK ? Status() : plugin_.failure(code, error);
    }

    const Plugin& plugin_;
    const Interface calls_;
    const quorate_storage_compact_interface compact_calls_;
    quorate_storage* const self_;
    std::vector<quorate_storage_op> ops_;  // writer thread; kept for its memory
};

}  // namespace

Result<std::unique_ptr<Backend>> open_plugin_backend(const plugin::Plugin& plugin,
                                                     const std::string& path,
                                                     const plugin::Options& options) {
    const Result<Interface> calls = plugin.table<Interface>(QUORATE_STORAGE_INTERFACE);
    if (!calls) {
        return calls.error();
    }
    const auto compact_calls =
        plugin.table<quorate_storage_compact_interface>(QUORATE_STORAGE_COMPACT_INTERFACE);
    if (!compact_calls && !compact_calls.error().is(errors::kUnimplemented)) {
        return compact_calls.error();
    }
    const auto is_new = claim_directory(path, plugin.name());
    if (!is_new) {
        return is_new.error();
    }
    const std::vector<quorate_option> list = plugin::abi_options(options);
    quorate_error error = empty_error();
    quorate_storage* self = nullptr;
    const quorate_code code = calls->create(to_abi(path), list.data(), list.size(), &self, &error);
    if (code != QUORATE_OK) {
        if (*is_new) {
            abandon_directory(path);
        }
        return plugin.failure(code, error);
    }
    return std::unique_ptr<Backend>(std::make_unique<PluginBackend>(
        plugin, *calls, compact_calls ? *compact_calls : quorate_storage_compact_interface{},
        self));
}

}  // namespace quorate::storage
