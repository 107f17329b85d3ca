// SPDX-License-Identifier: Apache-2.0
//
// Bcrypt over libxcrypt (link with -lcrypt), with the results and the limits of Go's bcrypt, so
// that hashes move between etcd and here. Any thread; takes 2^cost steps, some 50 ms at cost 10.
//
// Bcrypt reads 72 bytes of a password. Like Go's, hash refuses a longer one and check looks at the
// first 72. A zero byte ends a password for libxcrypt, so one that holds such a byte is refused,
// and fits no hash: it must not pass for its beginning.
#pragma once

#include "plugin/cxx/barrier.h"
#include "plugin/cxx/result.h"

#include <crypt.h>
#include <string.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::plugin {

namespace bcrypt_detail {

inline constexpr size_t kPasswordBytesMax = 72;
inline constexpr size_t kHashBytes = 60;
inline constexpr size_t kPrefixBytes = 4;  // "$2b$"

// What crypt_r works in: large, and full of secrets afterwards.
class Workspace {
  public:
    Workspace() : data_(std::make_unique<crypt_data>()) {}
    ~Workspace() { ::explicit_bzero(data_.get(), sizeof *data_); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    // The whole hash, empty on failure. `setting` is a salt with its prefix, or a hash.
    std::string run(std::string_view password, const std::string& setting) {
        std::string phrase(password);
        const char* const hash = ::crypt_r(phrase.c_str(), setting.c_str(), data_.get());
        ::explicit_bzero(phrase.data(), phrase.size());
        const std::string_view made = hash == nullptr ? "" : hash;
        return std::string(made.size() == kHashBytes ? made : "");
    }

  private:
    std::unique_ptr<crypt_data> data_;
};

inline bool same_bytes(std::string_view a, std::string_view b) {
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
        difference |= static_cast<unsigned>(a[i] ^ b[i]);
    }
    return difference == 0;
}

// $2a$, $2b$ and $2y$ name one algorithm. libxcrypt changes what it calls $2a$ for a few passwords
// beyond ASCII, Go does not, so all are computed as $2b$.
inline bool is_known_form(std::string_view hash) {
    if (hash.size() != kHashBytes || hash.substr(0, 2) != "$2" || hash[3] != '$' ||
        hash[6] != '$') {
        return false;
    }
    return hash[2] == 'a' || hash[2] == 'b' || hash[2] == 'y';
}

}  // namespace bcrypt_detail

// Cost is 4 to 31. "$2a$...", 60 characters.
inline Result<std::string> bcrypt_hash(std::string_view password, uint32_t cost) {
    if (password.size() > bcrypt_detail::kPasswordBytesMax) {
        return Status(QUORATE_INVALID_ARGUMENT, "bcrypt: password length exceeds 72 bytes");
    }
    if (password.find('\0') != std::string_view::npos) {
        return Status(QUORATE_INVALID_ARGUMENT, "bcrypt: password holds a zero byte");
    }
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
    const char* const made =
        ::crypt_gensalt_rn("$2b$", cost, nullptr, 0, salt.data(), static_cast<int>(salt.size()));
    if (cost == 0 || made == nullptr) {  // 0 would be the library's own choice
        return Status(QUORATE_INVALID_ARGUMENT,
                      "bcrypt: cost " + std::to_string(cost) + " is not one from 4 to 31");
    }
    std::string hash = bcrypt_detail::Workspace().run(password, made);
    if (hash.empty()) {
        return Status(QUORATE_INTERNAL, "bcrypt: the library made no hash");
    }
    hash[2] = 'a';
    return hash;
}

// False, too, for what is no bcrypt hash.
inline bool bcrypt_check(std::string_view password, std::string_view hash) {
    if (!bcrypt_detail::is_known_form(hash) || password.find('\0') != std::string_view::npos) {
        return false;
    }
    std::string setting(hash);
    setting[2] = 'b';
    const std::string made = bcrypt_detail::Workspace().run(
        password.substr(0, bcrypt_detail::kPasswordBytesMax), setting);
    return !made.empty() &&
           bcrypt_detail::same_bytes(std::string_view(made).substr(bcrypt_detail::kPrefixBytes),
                                     hash.substr(bcrypt_detail::kPrefixBytes));
}

}  // namespace quorate::plugin
