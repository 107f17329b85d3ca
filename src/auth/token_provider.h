// SPDX-License-Identifier: Apache-2.0
//
// The seam between the core and what knows passwords and tokens. The core decides who may do what
// and keeps users and roles; a provider turns a user into a token and back, and a password into a
// hash. Plugins implement it (plugin/abi/auth.h), a test may in plain C++.
//
// Threads: [any] functions are called from several threads at once and from any; [apply] ones from
// the apply loop alone, while [any] ones run. [slow] ones take as long as a password hash does and
// are called from threads that have nothing else to do.
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#include <cstdint>
#include <string>

namespace quorate::auth {

struct TokenUser {
    std::string user;
    // The auth store's revision that the token was made at and holds for; 0: it holds at any
    // revision, until it expires or its user is forgotten.
    uint64_t auth_revision = 0;
};

class TokenProvider {
  public:
    virtual ~TokenProvider() = default;

    // [any] A new token for a user whose password was right. `index` is this member's applied
    // index, for providers that show one in a token. errors::kUnknown with the reason where the
    // provider can only verify.
    virtual Result<std::string> issue(ByteView user, uint64_t auth_revision, uint64_t index) = 0;

    // [any] Whose token this is; errors::kInvalidAuthToken for one that is unknown, expired or
    // forged. A use may make a token live longer.
    virtual Result<TokenUser> verify(ByteView token) = 0;

    // [any] Constant. True: a token is known only where it was installed, so the core carries it
    // through the log and installs it on each member.
    virtual bool replicated() const = 0;

    // [apply] A token that some member issued, and its user. Never called unless replicated().
    virtual void install(ByteView token, ByteView user) = 0;
    // [apply] The user is gone or has another password: no token of theirs holds any longer.
    virtual void forget_user(ByteView user) = 0;
    // [apply] Authentication was turned off, or the state was replaced.
    virtual void forget_all() = 0;

    // [any, slow] What is kept of a password; never empty.
    virtual Result<std::string> hash_password(ByteView password) = 0;
    // [any, slow] Whether the hash was made of this password; false, too, for a hash of a form that
    // the provider doesn't know.
    virtual Result<bool> check_password(ByteView password, ByteView hash) = 0;
};

}  // namespace quorate::auth
