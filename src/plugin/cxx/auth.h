// SPDX-License-Identifier: Apache-2.0
//
// The C++ side of a token provider. The author writes an ordinary class; this turns it into the
// tables of plugin/abi/auth.h, with the exception barrier around every function. What the functions
// must do is told there; those marked [any] are called by several threads at once.
// plugin/cxx/bcrypt.h hashes passwords for those who have nothing better.
//
//   class Provider {
//     public:
//       static constexpr const char* kName = "example";   // the file is auth_example.so
//       static constexpr const char* kVersion = "1.0";
//
//       static Result<std::unique_ptr<Provider>> open(const AuthArguments& arguments);
//       bool replicated() const;
//       Result<std::string> issue(std::string_view user, uint64_t auth_revision, uint64_t index);
//       Result<TokenOwner> verify(std::string_view token);
//       Status install(std::string_view token, std::string_view user);
//       void forget_user(std::string_view user);
//       void forget_all();
//       Result<std::string> hash_password(std::string_view password);
//       Result<bool> check_password(std::string_view password, std::string_view hash);
//       // Optional:
//       Status reload();
//   };
//
//   extern "C" QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry() {
//       return quorate::plugin::auth_plugin<Provider>();
//   }
#pragma once

#include "plugin/abi/auth.h"
#include "plugin/cxx/barrier.h"
#include "plugin/cxx/entry.h"
#include "plugin/cxx/result.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::plugin {

struct AuthArguments {
    const quorate_auth_settings& settings;
    const quorate_option* options;  // read them with an OptionReader
    size_t option_count;
    const quorate_host& host;  // lives longer than the provider
};

struct TokenOwner {
    std::string user;
    uint64_t auth_revision = 0;  // 0: the token holds at any
};

template <typename P>
concept Reloads = requires(P& p) {
    { p.reload() } -> std::same_as<Status>;
};

// The tables over provider class P. A handle is a pointer to P.
template <typename P>
class AuthPlugin {
  public:
    static constexpr const char* kKind = "auth";
    static constexpr const char* kName = P::kName;
    static constexpr const char* kVersion = P::kVersion;

    static Status init(const quorate_host& host) {
        host_ = &host;
        return {};
    }
    static void deinit() { host_ = nullptr; }

    static const void* interface_get(std::string_view id) {
        if (id == QUORATE_AUTH_INTERFACE) {
            return &kTable;
        }
        if constexpr (Reloads<P>) {
            if (id == QUORATE_AUTH_RELOAD_INTERFACE) {
                return &kReloadTable;
            }
        }
        return nullptr;
    }

  private:
    static P* provider(quorate_auth* self) { return reinterpret_cast<P*>(self); }

    static void append(quorate_sink sink, std::string_view text) {
        sink.append(sink.ctx, text.data(), text.size());
    }

    static Status give(Result<std::string> made, quorate_sink ret) {
        if (made) {
            append(ret, *made);
        }
        return made.error();
    }

    static quorate_code create(const quorate_auth_settings* settings, const quorate_option* options,
                               size_t option_count, quorate_auth** ret_auth,
                               quorate_error* err) noexcept {
        return guard(err, [&]() -> Status {
            Result<std::unique_ptr<P>> made = P::open({*settings, options, option_count, *host_});
            if (made) {
                *ret_auth = reinterpret_cast<quorate_auth*>(made->release());
            }
            return made.error();
        });
    }

    static void destroy(quorate_auth* self) noexcept {
        const std::unique_ptr<P> owned(provider(self));
    }

    static int32_t replicated(const quorate_auth* self) noexcept {
        return reinterpret_cast<const P*>(self)->replicated() ? 1 : 0;
    }

    static quorate_code issue(quorate_auth* self, quorate_bytes user, uint64_t auth_revision,
                              uint64_t index, quorate_sink ret_token, quorate_error* err) noexcept {
        return guard(err, [&] {
            return give(provider(self)->issue(view(user), auth_revision, index), ret_token);
        });
    }

    static quorate_code verify(quorate_auth* self, quorate_bytes token, quorate_sink ret_user,
                               uint64_t* ret_auth_revision, quorate_error* err) noexcept {
        return guard(err, [&]() -> Status {
            Result<TokenOwner> owner = provider(self)->verify(view(token));
            if (owner) {
                append(ret_user, owner->user);
                *ret_auth_revision = owner->auth_revision;
            }
            return owner.error();
        });
    }

    static quorate_code install(quorate_auth* self, quorate_bytes token, quorate_bytes user,
                                quorate_error* err) noexcept {
        return guard(err, [&] { return provider(self)->install(view(token), view(user)); });
    }

    static void forget_user(quorate_auth* self, quorate_bytes user) noexcept {
        provider(self)->forget_user(view(user));
    }

    static void forget_all(quorate_auth* self) noexcept { provider(self)->forget_all(); }

    static quorate_code hash_password(quorate_auth* self, quorate_bytes password,
                                      quorate_sink ret_hash, quorate_error* err) noexcept {
        return guard(err,
                     [&] { return give(provider(self)->hash_password(view(password)), ret_hash); });
    }

    static quorate_code check_password(quorate_auth* self, quorate_bytes password,
                                       quorate_bytes hash, int32_t* ret_matches,
                                       quorate_error* err) noexcept {
        return guard(err, [&]() -> Status {
            Result<bool> matches = provider(self)->check_password(view(password), view(hash));
            if (matches) {
                *ret_matches = *matches ? 1 : 0;
            }
            return matches.error();
        });
    }

    static quorate_code reload(quorate_auth* self, quorate_error* err) noexcept {
        return guard(err, [&] { return provider(self)->reload(); });
    }

    static constexpr quorate_auth_interface make_table() {
        return {sizeof(quorate_auth_interface),
                create,
                destroy,
                replicated,
                issue,
                verify,
                install,
                forget_user,
                forget_all,
                hash_password,
                check_password};
    }
    static constexpr quorate_auth_reload_interface make_reload_table() {
        if constexpr (Reloads<P>) {
            return {sizeof(quorate_auth_reload_interface), reload};
        } else {
            return {};
        }
    }

    static constexpr quorate_auth_interface kTable = make_table();
    static constexpr quorate_auth_reload_interface kReloadTable = make_reload_table();

    static inline const quorate_host* host_ = nullptr;  // between init and deinit
};

template <typename P>
const quorate_plugin* auth_plugin() {
    static constexpr quorate_plugin kPlugin = describe<AuthPlugin<P>>();
    return &kPlugin;
}

}  // namespace quorate::plugin
