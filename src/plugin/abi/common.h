/* SPDX-License-Identifier: Apache-2.0
 *
 * What every kind of plugin shares: bytes, errors, the host's services, the descriptor and the one
 * exported function. C11 and C++20. Fixed-width integers, pointers and size_t only; every struct
 * begins with its own size, and tables grow at the end alone.
 *
 * Each function's comment carries one thread tag:
 *   [start-stop]  the thread that starts and stops the process, never two at a time
 *   [apply]       the one thread that writes state
 *   [any]         any thread, several at a time
 *   [plugin]      called by the plugin's own threads into the host
 *
 * Calling rule: self, inputs, ret_ outputs, error. Outputs are untouched on failure, the error is
 * untouched on success. Inputs are borrowed for the call. Nobody frees the other side's memory. No
 * exception crosses in either direction.
 */
#ifndef QUORATE_PLUGIN_ABI_COMMON_H
#define QUORATE_PLUGIN_ABI_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define QUORATE_NOEXCEPT noexcept
#else
#define QUORATE_NOEXCEPT
#endif

#define QUORATE_PLUGIN_MAGIC UINT32_C(0x51525445) /* "QRTE" */
#define QUORATE_ABI_MAJOR UINT32_C(1)
#define QUORATE_ABI_MINOR UINT32_C(0)

/* 0 is success; the rest are gRPC's status codes, so that one list serves all of the project. */
typedef int32_t quorate_code;

#define QUORATE_OK 0
#define QUORATE_CANCELLED 1
#define QUORATE_UNKNOWN 2
#define QUORATE_INVALID_ARGUMENT 3
#define QUORATE_DEADLINE_EXCEEDED 4
#define QUORATE_NOT_FOUND 5
#define QUORATE_RESOURCE_EXHAUSTED 8 /* out of space, or a bound of the plugin's is reached */
#define QUORATE_FAILED_PRECONDITION 9
#define QUORATE_UNIMPLEMENTED 12
#define QUORATE_INTERNAL 13
#define QUORATE_UNAVAILABLE 14
#define QUORATE_DATA_LOSS 15 /* stored data is damaged; the text names file and place */
#define QUORATE_UNAUTHENTICATED 16

typedef struct quorate_bytes {
    const char* data; /* may be null when size is 0 */
    size_t size;
} quorate_bytes;

/* Owned by the caller. text is zero-terminated and cut at the end. */
typedef struct quorate_error {
    size_t size;
    quorate_code code;
    char text[244];
} quorate_error;

/* Where a plugin puts bytes of unknown length. append may be called several times per call. */
typedef struct quorate_sink {
    void* ctx;
    void (*append)(void* ctx, const char* data, size_t size) QUORATE_NOEXCEPT;
} quorate_sink;

/* One line of the plugin's section in the config file. A plugin refuses keys it does not know. */
typedef struct quorate_option {
    quorate_bytes key;
    quorate_bytes value;
} quorate_option;

typedef struct quorate_log_field {
    quorate_bytes key;
    quorate_bytes value;
} quorate_log_field;

#define QUORATE_LOG_DEBUG (-1)
#define QUORATE_LOG_INFO 0
#define QUORATE_LOG_WARN 1
#define QUORATE_LOG_ERROR 2

/* The core's services, from init to deinit. */
typedef struct quorate_host {
    size_t size;
    void* ctx;
    /* [any] message is a constant lower-case phrase; data goes into fields. */
    void (*log)(void* ctx, int32_t level, quorate_bytes message, const quorate_log_field* fields,
                size_t field_count) QUORATE_NOEXCEPT;
    /* [any] Adds to the counter `name`, a Prometheus name that ends in _total; it is shown as
     * quorate_plugin_<name>. */
    void (*metric_add)(void* ctx, quorate_bytes name, uint64_t amount) QUORATE_NOEXCEPT;
    /* [any] Steady clock, milliseconds; the simulator's in a simulation. */
    int64_t (*now_ms)(void* ctx) QUORATE_NOEXCEPT;
    /* [any] Milliseconds since 1970, which may jump; for what is compared with dates. */
    int64_t (*unix_ms)(void* ctx) QUORATE_NOEXCEPT;
} quorate_host;

typedef struct quorate_plugin {
    size_t size;
    uint32_t magic;     /* QUORATE_PLUGIN_MAGIC */
    uint32_t abi_major; /* must equal the host's */
    uint32_t abi_minor; /* must not be newer than the host's */
    uint32_t reserved;
    const char* kind;     /* "storage", "transport" or "auth" */
    const char* name;     /* [a-z0-9_]+, the file is <kind>_<name>.so */
    const char* version;  /* the plugin's own, for people */
    const char* build_id; /* QUORATE_BUILD_ID of the headers; compared for draft (/0) interfaces */
    /* [start-stop] Once, before anything else. */
    quorate_code (*init)(const quorate_host* host, quorate_error* err) QUORATE_NOEXCEPT;
    /* [start-stop] Once, after everything else. The library is never unloaded. */
    void (*deinit)(void) QUORATE_NOEXCEPT;
    /* [any] The table of interface `id`, such as "quorate.storage/0", or null. */
    const void* (*interface_get)(const char* id)QUORATE_NOEXCEPT;
} quorate_plugin;

/* The one exported symbol: QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry(void). */
#define QUORATE_EXPORT __attribute__((visibility("default")))
#define QUORATE_PLUGIN_ENTRY_NAME "quorate_plugin_entry"
typedef const quorate_plugin* (*quorate_plugin_entry_fn)(void);

/* Draft interfaces may change between any two builds, so both sides must come from the same one. */
#define QUORATE_BUILD_ID "quorate-abi-draft-3"

#ifdef __cplusplus
}
#endif

#endif
