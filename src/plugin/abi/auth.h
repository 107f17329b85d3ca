/* SPDX-License-Identifier: Apache-2.0
 *
 * A token provider: it turns a user whose password was right into a token and back, and a password
 * into a hash. Users, roles and what they may do are the core's.
 *
 * - verify is on the path of every request and is called by several threads at once: it takes
 *   microseconds and waits for nobody.
 * - A provider whose tokens are known only where they were installed says so (replicated); the core
 *   then carries each token through its log and installs it on every member. Other tokens prove
 *   themselves, as signed ones do.
 * - Text that goes to clients is the provider's: an error of issue or hash_password is passed on as
 *   it is. What verify says goes to no one, so that a forger learns nothing.
 * - Secrets stay out of the log: no token, password, hash or key is given to the host.
 */
#ifndef QUORATE_PLUGIN_ABI_AUTH_H
#define QUORATE_PLUGIN_ABI_AUTH_H

#include "plugin/abi/common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUORATE_AUTH_INTERFACE "quorate.auth/0"
#define QUORATE_AUTH_RELOAD_INTERFACE "quorate.auth.reload/0"

typedef struct quorate_auth quorate_auth;

/* The server's own options that concern a provider; one that has no use for them ignores them. */
typedef struct quorate_auth_settings {
    size_t size;
    uint32_t token_ttl_s; /* auth-token-ttl: life of a token that is not used; at least 1 */
    uint32_t bcrypt_cost; /* bcrypt-cost: 4 to 31; each step doubles the time of a hash */
} quorate_auth_settings;

typedef struct quorate_auth_interface {
    size_t size;
    /* [start-stop] Reads what the options name. Refuses unknown options by name. */
    quorate_code (*create)(const quorate_auth_settings* settings, const quorate_option* options,
                           size_t option_count, quorate_auth** ret_auth,
                           quorate_error* err) QUORATE_NOEXCEPT;
    /* [start-stop] No call is under way. */
    void (*destroy)(quorate_auth* self) QUORATE_NOEXCEPT;

    /* [any] Constant. 1: a token holds where install was told of it, and nowhere else. */
    int32_t (*replicated)(const quorate_auth* self) QUORATE_NOEXCEPT;

    /* [any] A new token. auth_revision is the auth store's now; a token that carries it is refused
     * by the core once users or roles have changed. index is a number of the log, to tell tokens of
     * different times apart. QUORATE_FAILED_PRECONDITION where it can only verify. */
    quorate_code (*issue)(quorate_auth* self, quorate_bytes user, uint64_t auth_revision,
                          uint64_t index, quorate_sink ret_token,
                          quorate_error* err) QUORATE_NOEXCEPT;
    /* [any] Whose token it is, and the revision it was made at (0: it holds at any). A use may make
     * a token live longer. QUORATE_UNAUTHENTICATED for one that is unknown, expired or forged. */
    quorate_code (*verify)(quorate_auth* self, quorate_bytes token, quorate_sink ret_user,
                           uint64_t* ret_auth_revision, quorate_error* err) QUORATE_NOEXCEPT;

    /* [apply] A token that a member issued. Called only where replicated is 1. */
    quorate_code (*install)(quorate_auth* self, quorate_bytes token, quorate_bytes user,
                            quorate_error* err) QUORATE_NOEXCEPT;
    /* [apply] No installed token of this user holds any longer. */
    void (*forget_user)(quorate_auth* self, quorate_bytes user) QUORATE_NOEXCEPT;
    /* [apply] Nor of anybody. */
    void (*forget_all)(quorate_auth* self) QUORATE_NOEXCEPT;

    /* [any] What is kept of a password, as text; takes as long as it should. */
    quorate_code (*hash_password)(quorate_auth* self, quorate_bytes password, quorate_sink ret_hash,
                                  quorate_error* err) QUORATE_NOEXCEPT;
    /* [any] 1 when the hash was made of this password. 0 for any other, and for a hash of a form
     * that the provider does not know. */
    quorate_code (*check_password)(quorate_auth* self, quorate_bytes password, quorate_bytes hash,
                                   int32_t* ret_matches, quorate_error* err) QUORATE_NOEXCEPT;
} quorate_auth_interface;

/* Optional: takes new keys over while calls go on. */
typedef struct quorate_auth_reload_interface {
    size_t size;
    /* [any] one thread at a time. Reads again the files that the options name. When one of them is
     * not right, everything stays as it was. */
    quorate_code (*reload)(quorate_auth* self, quorate_error* err) QUORATE_NOEXCEPT;
} quorate_auth_reload_interface;

#ifdef __cplusplus
}
#endif

#endif
