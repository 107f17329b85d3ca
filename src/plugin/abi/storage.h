/* SPDX-License-Identifier: Apache-2.0
 *
 * A storage engine: one flat, ordered key space per store.
 *
 * - Keys order by unsigned byte comparison. They are 1 to 255 bytes; values 0 bytes to the request
 *   limit and more.
 * - A write is all or nothing. What survives a crash, of the process or of the power, is a prefix
 * of the sequence of writes, each whole; the tail since the last sync may be missing, for the core
 * has it in its log. An engine that cannot promise a prefix syncs inside write.
 * - A view is the store at one moment and stays so while writes go on. Views are short-lived.
 * - The engine detects damage to its files (checksums) and reports QUORATE_DATA_LOSS naming the
 * file; it never returns damaged bytes.
 */
#ifndef QUORATE_PLUGIN_ABI_STORAGE_H
#define QUORATE_PLUGIN_ABI_STORAGE_H

#include "plugin/abi/common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUORATE_STORAGE_INTERFACE "quorate.storage/0"
#define QUORATE_STORAGE_CHECKPOINT_INTERFACE "quorate.storage.checkpoint/0"
#define QUORATE_STORAGE_COMPACT_INTERFACE "quorate.storage.compact_range/0"

typedef struct quorate_storage quorate_storage;
typedef struct quorate_storage_view quorate_storage_view;
typedef struct quorate_storage_cursor quorate_storage_cursor;

#define QUORATE_STORAGE_PUT UINT32_C(1)
#define QUORATE_STORAGE_DELETE UINT32_C(2)
#define QUORATE_STORAGE_DELETE_RANGE UINT32_C(3) /* key <= k < value; empty value: no bound */

/* A hint, which an engine may ignore: the key is one of few, of about a megabyte at most, which are
 * written again and again. Keys without it are put in their order, and hardly ever twice. A key is
 * always put with the same hints. */
#define QUORATE_STORAGE_STATE UINT32_C(1)

typedef struct quorate_storage_op {
    uint32_t kind;
    uint32_t hints; /* of QUORATE_STORAGE_PUT; unknown ones are ignored */
    quorate_bytes key;
    quorate_bytes value;
} quorate_storage_op;

#define QUORATE_STORAGE_WRITE_SYNC UINT32_C(1) /* as if followed by sync */
#define QUORATE_STORAGE_CURSOR_REVERSE UINT32_C(1)

typedef struct quorate_storage_stats {
    size_t size;
    uint64_t
        disk_bytes; /* what the store occupies on the disk, or in memory where it has no disk */
    uint64_t live_bytes; /* the engine's best estimate without garbage; disk_bytes if it has none */
} quorate_storage_stats;

typedef struct quorate_storage_interface {
    size_t size;
    /* [start-stop] Opens the store in directory `path`, creating it where it is missing. Refuses
     * unknown options by name. */
    quorate_code (*create)(quorate_bytes path, const quorate_option* options, size_t option_count,
                           quorate_storage** ret_storage, quorate_error* err) QUORATE_NOEXCEPT;
    /* [start-stop] All views are closed by then. Makes durable what was written. */
    void (*destroy)(quorate_storage* self) QUORATE_NOEXCEPT;

    /* [any] */
    quorate_code (*view_open)(quorate_storage* self, quorate_storage_view** ret_view,
                              quorate_error* err) QUORATE_NOEXCEPT;
    /* [any] Its cursors are closed by then. */
    void (*view_close)(quorate_storage_view* view) QUORATE_NOEXCEPT;
    /* [any] one thread at a time per view. QUORATE_NOT_FOUND when the key is not there. */
    quorate_code (*get)(quorate_storage_view* view, quorate_bytes key, quorate_sink ret_value,
                        quorate_error* err) QUORATE_NOEXCEPT;

    /* [any] one thread at a time per view and its cursors. Walks lo <= key < hi (empty hi: no
     * bound), from the end with QUORATE_STORAGE_CURSOR_REVERSE. */
    quorate_code (*cursor_open)(quorate_storage_view* view, quorate_bytes lo, quorate_bytes hi,
                                uint32_t flags, quorate_storage_cursor** ret_cursor,
                                quorate_error* err) QUORATE_NOEXCEPT;
    /* [any] The next pair, borrowed until the next call on the cursor. QUORATE_NOT_FOUND at the
     * end. */
    quorate_code (*cursor_next)(quorate_storage_cursor* cursor, quorate_bytes* ret_key,
                                quorate_bytes* ret_value, quorate_error* err) QUORATE_NOEXCEPT;
    /* [any] */
    void (*cursor_close)(quorate_storage_cursor* cursor) QUORATE_NOEXCEPT;

    /* [apply] One atomic batch, in order. After a failure the store refuses further writes unless
     * nothing of the batch can have happened. */
    quorate_code (*write)(quorate_storage* self, const quorate_storage_op* ops, size_t op_count,
                          uint32_t flags, quorate_error* err) QUORATE_NOEXCEPT;
    /* [apply] Everything written so far survives a power cut when this returns. */
    quorate_code (*sync)(quorate_storage* self, quorate_error* err) QUORATE_NOEXCEPT;
    /* [any] */
    quorate_code (*stats)(quorate_storage* self, quorate_storage_stats* ret_stats,
                          quorate_error* err) QUORATE_NOEXCEPT;
} quorate_storage_interface;

/* Optional: a copy of the store in a new directory, cheap where the engine can link its files. */
typedef struct quorate_storage_checkpoint_interface {
    size_t size;
    /* [apply] */
    quorate_code (*checkpoint)(quorate_storage* self, quorate_bytes path,
                               quorate_error* err) QUORATE_NOEXCEPT;
} quorate_storage_checkpoint_interface;

/* Optional: gives space back that deletes left behind, while reads and writes go on. */
typedef struct quorate_storage_compact_interface {
    size_t size;
    /* [any] lo and hi as in cursor_open. */
    quorate_code (*compact_range)(quorate_storage* self, quorate_bytes lo, quorate_bytes hi,
                                  quorate_error* err) QUORATE_NOEXCEPT;
} quorate_storage_compact_interface;

#ifdef __cplusplus
}
#endif

#endif
