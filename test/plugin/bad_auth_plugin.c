/* SPDX-License-Identifier: Apache-2.0
 *
 * Token providers that are wrong in one way each, as bad_plugin.c has for storage, and one that is
 * right as far as loading goes: compiled once per way, with WAY_<way> defined and FIXTURE_NAME as
 * the plugin's name.
 */
#include "plugin/abi/auth.h"

#include <string.h>

static quorate_code refuse(quorate_error* err) {
    err->code = QUORATE_INTERNAL;
    strcpy(err->text, "not in the mood");
    return err->code;
}

static quorate_code create(const quorate_auth_settings* settings, const quorate_option* options,
                           size_t option_count, quorate_auth** ret_auth, quorate_error* err) {
    (void)settings, (void)options, (void)option_count, (void)ret_auth;
    return refuse(err);
}
static void destroy(quorate_auth* self) {
    (void)self;
}
static int32_t replicated(const quorate_auth* self) {
    (void)self;
    return 0;
}
static quorate_code issue(quorate_auth* self, quorate_bytes user, uint64_t auth_revision,
                          uint64_t index, quorate_sink ret_token, quorate_error* err) {
    (void)self, (void)user, (void)auth_revision, (void)index, (void)ret_token;
    return refuse(err);
}
#ifndef WAY_NULL_FUNCTION
static quorate_code verify(quorate_auth* self, quorate_bytes token, quorate_sink ret_user,
                           uint64_t* ret_auth_revision, quorate_error* err) {
    (void)self, (void)token, (void)ret_user, (void)ret_auth_revision;
    return refuse(err);
}
#else
#define verify NULL
#endif
static quorate_code install(quorate_auth* self, quorate_bytes token, quorate_bytes user,
                            quorate_error* err) {
    (void)self, (void)token, (void)user;
    return refuse(err);
}
static void forget_user(quorate_auth* self, quorate_bytes user) {
    (void)self, (void)user;
}
static void forget_all(quorate_auth* self) {
    (void)self;
}
static quorate_code hash_password(quorate_auth* self, quorate_bytes password, quorate_sink ret_hash,
                                  quorate_error* err) {
    (void)self, (void)password, (void)ret_hash;
    return refuse(err);
}
static quorate_code check_password(quorate_auth* self, quorate_bytes password, quorate_bytes hash,
                                   int32_t* ret_matches, quorate_error* err) {
    (void)self, (void)password, (void)hash, (void)ret_matches;
    return refuse(err);
}

static const quorate_auth_interface kAuth = {
#ifdef WAY_SHORT_TABLE
    offsetof(quorate_auth_interface, check_password),
#else
    sizeof(quorate_auth_interface),
#endif
    create,
    destroy,
    replicated,
    issue,
    verify,
    install,
    forget_user,
    forget_all,
    hash_password,
    check_password,
};

static quorate_code init(const quorate_host* host, quorate_error* err) {
    (void)host, (void)err;
    return QUORATE_OK;
}

static void deinit(void) {}

static const void* interface_get(const char* id) {
#ifdef WAY_NO_INTERFACE
    (void)id;
    return NULL;
#else
    return strcmp(id, QUORATE_AUTH_INTERFACE) == 0 ? &kAuth : NULL;
#endif
}

static const quorate_plugin kPlugin = {
    sizeof(quorate_plugin),
    QUORATE_PLUGIN_MAGIC,
    QUORATE_ABI_MAJOR,
    QUORATE_ABI_MINOR,
    0,
    "auth",
    FIXTURE_NAME,
    "1.0",
    QUORATE_BUILD_ID,
    init,
    deinit,
    interface_get,
};

QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry(void);
QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry(void) {
    return &kPlugin;
}
