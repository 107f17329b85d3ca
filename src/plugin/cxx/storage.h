// SPDX-License-Identifier: Apache-2.0
//
// The C++ side of a storage engine. The author writes an ordinary class; this turns it into the
// tables of plugin/abi/storage.h, with the exception barrier around every function. What the
// functions must do is told there. plugins/storage/example is a whole engine to start from.
//
//   class Engine {
//     public:
//       static constexpr const char* kName = "example";   // the file is storage_example.so
//       static constexpr const char* kVersion = "1.0";
//
//       class Cursor {
//         public:
//           // True and the next pair, borrowed until the next call, or false at the end.
//           Result<bool> next(Pair& pair);
//       };
//       class View {
//         public:
//           // True after the value went to the sink, false when the key is not there.
//           Result<bool> get(std::string_view key, Sink value);
//           Result<std::unique_ptr<Cursor>> scan(const Scan& scan);
//       };
//
//       static Result<std::unique_ptr<Engine>> open(const OpenArguments& arguments);
//       ~Engine();                                         // makes durable what was written
//       Result<std::unique_ptr<View>> view();
//       Status write(Batch batch, bool sync);
//       Status sync();
//       Result<Stats> stats();
//       // Optional:
//       Status checkpoint(std::string_view path);
//       Status compact_range(std::string_view lo, std::string_view hi);
//   };
//
//   extern "C" QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry() {
//       return quorate::plugin::storage_plugin<Engine>();
//   }
#pragma once

#include "plugin/abi/storage.h"
#include "plugin/cxx/barrier.h"
#include "plugin/cxx/entry.h"
#include "plugin/cxx/result.h"

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace quorate::plugin {

struct Pair {
    std::string_view key;
    std::string_view value;
};

// Keys lo <= key < hi, an empty hi is no bound; from the end when reverse.
struct Scan {
    std::string_view lo;
    std::string_view hi;
    bool reverse = false;
};

using Batch = std::span<const quorate_storage_op>;

struct OpenArguments {
    std::string_view path;
    const quorate_option* options;  // read them with an OptionReader
    size_t option_count;
    const quorate_host& host;  // lives longer than the engine
};

struct Stats {
    uint64_t disk_bytes;
    uint64_t live_bytes;
};

// Where a value goes; may be called several times for one value.
class Sink {
  public:
    explicit Sink(quorate_sink sink) : sink_(sink) {}
    void append(std::string_view bytes) const {
        sink_.append(sink_.ctx, bytes.data(), bytes.size());
    }

  private:
    quorate_sink sink_;
};

template <typename E>
concept Checkpoints = requires(E& e, std::string_view path) {
    { e.checkpoint(path) } -> std::same_as<Status>;
};

template <typename E>
concept Compacts = requires(E& e, std::string_view key) {
    { e.compact_range(key, key) } -> std::same_as<Status>;
};

// The tables over engine class E. Handles are pointers to E, its views and its cursors.
template <typename E>
class StoragePlugin {
  public:
    static constexpr const char* kKind = "storage";
    static constexpr const char* kName = E::kName;
    static constexpr const char* kVersion = E::kVersion;

    static Status init(const quorate_host& host) {
        host_ = &host;
        return {};
    }
    static void deinit() { host_ = nullptr; }

    static const void* interface_get(std::string_view id) {
        if (id == QUORATE_STORAGE_INTERFACE) {
            return &kTable;
        }
        if constexpr (Checkpoints<E>) {
            if (id == QUORATE_STORAGE_CHECKPOINT_INTERFACE) {
                return &kCheckpointTable;
            }
        }
        if constexpr (Compacts<E>) {
            if (id == QUORATE_STORAGE_COMPACT_INTERFACE) {
                return &kCompactTable;
            }
        }
        return nullptr;
    }

  private:
    using View = typename E::View;
    using Cursor = typename E::Cursor;

    static E* engine(quorate_storage* self) { return reinterpret_cast<E*>(self); }
    static View* as_view(quorate_storage_view* self) { return reinterpret_cast<View*>(self); }
    static Cursor* as_cursor(quorate_storage_cursor* self) {
        return reinterpret_cast<Cursor*>(self);
    }

    // Hands an object out as a handle, or tells why there is none.
    template <typename Handle, typename T>
    static Status hand_out(Result<std::unique_ptr<T>> made, Handle** ret) {
        if (!made) {
            return made.error();
        }
        *ret = reinterpret_cast<Handle*>(made->release());
        return {};
    }

    static quorate_code create(quorate_bytes path, const quorate_option* options,
                               size_t option_count, quorate_storage** ret_storage,
                               quorate_error* err) noexcept {
        return guard(err, [&] {
            return hand_out(E::open({view(path), options, option_count, *host_}), ret_storage);
        });
    }

    static void destroy(quorate_storage* self) noexcept {
        const std::unique_ptr<E> owned(engine(self));
    }

    static quorate_code view_open(quorate_storage* self, quorate_storage_view** ret_view,
                                  quorate_error* err) noexcept {
        return guard(err, [&] { return hand_out(engine(self)->view(), ret_view); });
    }

    static void view_close(quorate_storage_view* self) noexcept {
        const std::unique_ptr<View> owned(as_view(self));
    }

    static quorate_code get(quorate_storage_view* self, quorate_bytes key, quorate_sink ret_value,
                            quorate_error* err) noexcept {
        bool found = false;
        const quorate_code code = guard(err, [&] {
            Result<bool> result = as_view(self)->get(view(key), Sink(ret_value));
            found = result && *result;
            return result.error();
        });
        return code == QUORATE_OK && !found ? fail(err, QUORATE_NOT_FOUND, "") : code;
    }

    static quorate_code cursor_open(quorate_storage_view* self, quorate_bytes lo, quorate_bytes hi,
                                    uint32_t flags, quorate_storage_cursor** ret_cursor,
                                    quorate_error* err) noexcept {
        return guard(err, [&] {
            const bool reverse = (flags & QUORATE_STORAGE_CURSOR_REVERSE) != 0;
            return hand_out(as_view(self)->scan({view(lo), view(hi), reverse}), ret_cursor);
        });
    }

    static quorate_code cursor_next(quorate_storage_cursor* self, quorate_bytes* ret_key,
                                    quorate_bytes* ret_value, quorate_error* err) noexcept {
        Pair pair;
        bool found = false;
        const quorate_code code = guard(err, [&] {
            Result<bool> result = as_cursor(self)->next(pair);
            found = result && *result;
            return result.error();
        });
        if (code != QUORATE_OK || !found) {
            return code == QUORATE_OK ? fail(err, QUORATE_NOT_FOUND, "") : code;
        }
        *ret_key = bytes(pair.key);
        *ret_value = bytes(pair.value);
        return QUORATE_OK;
    }

    static void cursor_close(quorate_storage_cursor* self) noexcept {
        const std::unique_ptr<Cursor> owned(as_cursor(self));
    }

    static quorate_code write(quorate_storage* self, const quorate_storage_op* ops, size_t op_count,
                              uint32_t flags, quorate_error* err) noexcept {
        return guard(err, [&] {
            return engine(self)->write(Batch(ops, op_count),
                                       (flags & QUORATE_STORAGE_WRITE_SYNC) != 0);
        });
    }

    static quorate_code sync(quorate_storage* self, quorate_error* err) noexcept {
        return guard(err, [&] { return engine(self)->sync(); });
    }

    static quorate_code stats(quorate_storage* self, quorate_storage_stats* ret_stats,
                              quorate_error* err) noexcept {
        return guard(err, [&]() -> Status {
            Result<Stats> stats = engine(self)->stats();
            if (stats) {
                ret_stats->disk_bytes = stats->disk_bytes;
                ret_stats->live_bytes = stats->live_bytes;
            }
            return stats.error();
        });
    }

    static quorate_code checkpoint(quorate_storage* self, quorate_bytes path,
                                   quorate_error* err) noexcept {
        return guard(err, [&] { return engine(self)->checkpoint(view(path)); });
    }

    static quorate_code compact_range(quorate_storage* self, quorate_bytes lo, quorate_bytes hi,
                                      quorate_error* err) noexcept {
        return guard(err, [&] { return engine(self)->compact_range(view(lo), view(hi)); });
    }

    static constexpr quorate_storage_interface make_table() {
        return {sizeof(quorate_storage_interface),
                create,
                destroy,
                view_open,
                view_close,
                get,
                cursor_open,
                cursor_next,
                cursor_close,
                write,
                sync,
                stats};
    }
    static constexpr quorate_storage_checkpoint_interface make_checkpoint_table() {
        if constexpr (Checkpoints<E>) {
            return {sizeof(quorate_storage_checkpoint_interface), checkpoint};
        } else {
            return {};
        }
    }
    static constexpr quorate_storage_compact_interface make_compact_table() {
        if constexpr (Compacts<E>) {
            return {sizeof(quorate_storage_compact_interface), compact_range};
        } else {
            return {};
        }
    }

    static constexpr quorate_storage_interface kTable = make_table();
    static constexpr quorate_storage_checkpoint_interface kCheckpointTable =
        make_checkpoint_table();
    static constexpr quorate_storage_compact_interface kCompactTable = make_compact_table();

    static inline const quorate_host* host_ = nullptr;  // between init and deinit
};

template <typename E>
const quorate_plugin* storage_plugin() {
    static constexpr quorate_plugin kPlugin = describe<StoragePlugin<E>>();
    return &kPlugin;
}

}  // namespace quorate::plugin
