// SPDX-License-Identifier: Apache-2.0
//
// Files with keys. Texts name the option and the file. Start-stop thread, and whoever reloads.
#pragma once

#include "plugin/cxx/result.h"

#include <openssl/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace quorate::auth_jwt {

struct KeyFile {
    static constexpr size_t kBytesMax = 64 * 1024;

    std::string_view option;
    std::string path;

    std::string text() const { return std::string(option) + " \"" + path + '"'; }
};

// The whole file, which is not empty.
plugin::Result<std::string> read_key_file(const KeyFile& file);

// PEM: a public key (PKIX or PKCS #1) or a certificate. The caller owns the key.
plugin::Result<EVP_PKEY*> read_public_key(const KeyFile& file);
// PEM: a private key (PKCS #8, PKCS #1 or SEC 1), without a passphrase. The caller owns the key.
plugin::Result<EVP_PKEY*> read_private_key(const KeyFile& file);

}  // namespace quorate::auth_jwt
