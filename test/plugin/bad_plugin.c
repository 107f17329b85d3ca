/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins that are wrong in one way each: this file is compiled once per way, with WAY_<way>
 * defined and FIXTURE_NAME as the plugin's name. loader_test.cc says what the loader has to answer.
 * In C, so that the tests prove as well that a plugin can be written in it.
 */
#include "plugin/abi/common.h"
#include "plugin/abi/storage.h"

#include <string.h>

static quorate_code refuse(quorate_error* err) {
    err->code = QUORATE_INTERNAL;
    strcpy(err->text, "not in the mood");
    return err->code;
}

static quorate_code create(quorate_bytes path, const quorate_option* options, size_t option_count,
                           quorate_storage** ret_storage, quorate_error* err) {
    (void)path, (void)options, (void)option_count, (void)ret_storage;
    return refuse(err);
}
static void destroy(quorate_storage* self) {
    (void)self;
}
static quorate_code view_open(quorate_storage* self, quorate_storage_view** ret_view,
                              quorate_error* err) {
    (void)self, (void)ret_view;
    return refuse(err);
}
static void view_close(quorate_storage_view* view) {
    (void)view;
}
static quorate_code get(quorate_storage_view* view, quorate_bytes key, quorate_sink ret_value,
                        quorate_error* err) {
    (void)view, (void)key, (void)ret_value;
    return refuse(err);
}
static quorate_code cursor_open(quorate_storage_view* view, quorate_bytes lo, quorate_bytes hi,
                                uint32_t flags, quorate_storage_cursor** ret_cursor,
                                quorate_error* err) {
    (void)view, (void)lo, (void)hi, (void)flags, (void)ret_cursor;
    return refuse(err);
}
static quorate_code cursor_next(quorate_storage_cursor* cursor, quorate_bytes* ret_key,
                                quorate_bytes* ret_value, quorate_error* err) {
    (void)cursor, (void)ret_key, (void)ret_value;
    return refuse(err);
}
static void cursor_close(quorate_storage_cursor* cursor) {
    (void)cursor;
}
static quorate_code write(quorate_storage* self, const quorate_storage_op* ops, size_t op_count,
                          uint32_t flags, quorate_error* err) {
    (void)self, (void)ops, (void)op_count, (void)flags;
    return refuse(err);
}
static quorate_code stats(quorate_storage* self, quorate_storage_stats* ret_stats,
                          quorate_error* err) {
    (void)self, (void)ret_stats;
    return refuse(err);
}
#ifndef WAY_NULL_FUNCTION
static quorate_code sync(quorate_storage* self, quorate_error* err) {
    (void)self;
    return refuse(err);
}
#else
#define sync NULL
#endif

static const quorate_storage_interface kStorage = {
#ifdef WAY_SHORT_TABLE
    offsetof(quorate_storage_interface, sync),
#else
    sizeof(quorate_storage_interface),
#endif
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
    stats,
};

#ifdef WAY_MISSING_SYMBOL
void quorate_test_function_that_nobody_has(void);
#endif

static quorate_code init(const quorate_host* host, quorate_error* err) {
    (void)host, (void)err;
#ifdef WAY_FAILING_INIT
    return refuse(err);
#endif
#ifdef WAY_MISSING_SYMBOL
    quorate_test_function_that_nobody_has();
#endif
    return QUORATE_OK;
}

static void deinit(void) {}

static const void* interface_get(const char* id) {
#ifndef WAY_NO_INTERFACE
    if (strcmp(id, QUORATE_STORAGE_INTERFACE) == 0) {
        return &kStorage;
    }
#endif
    (void)id;
    return NULL;
}

static const quorate_plugin kPlugin = {
#ifdef WAY_SHORT_DESCRIPTOR
    40,
#else
    sizeof(quorate_plugin),
#endif
#ifdef WAY_WRONG_MAGIC
    UINT32_C(0x12345678),
#else
    QUORATE_PLUGIN_MAGIC,
#endif
#ifdef WAY_OTHER_MAJOR
    QUORATE_ABI_MAJOR + 1,
#else
    QUORATE_ABI_MAJOR,
#endif
#ifdef WAY_NEWER_MINOR
    QUORATE_ABI_MINOR + 1,
#else
    QUORATE_ABI_MINOR,
#endif
    0,
#ifdef WAY_WRONG_KIND
    "transport",
#else
    "storage",
#endif
#ifdef WAY_WRONG_NAME
    "somebody_else",
#else
    FIXTURE_NAME,
#endif
    "1.0",
#ifdef WAY_WRONG_BUILD
    "quorate-abi-of-yesterday",
#else
    QUORATE_BUILD_ID,
#endif
    init,
#ifdef WAY_NULL_DEINIT
    NULL,
#else
    deinit,
#endif
    interface_get,
};

#ifndef WAY_NO_ENTRY
QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry(void);
QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry(void) {
#ifdef WAY_NULL_DESCRIPTOR
    return NULL;
#endif
    return &kPlugin;
}
#else
QUORATE_EXPORT int quorate_other_entry(void);
QUORATE_EXPORT int quorate_other_entry(void) {
    return kPlugin.size == 0;
}
#endif
