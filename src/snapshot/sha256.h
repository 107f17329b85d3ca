// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 over bytes that come in pieces. One thread at a time.
#pragma once

#include "base/bytes.h"

#include <openssl/evp.h>

#include <cstddef>
#include <memory>

namespace quorate::snapshot {

class Sha256 {
  public:
    static constexpr size_t kBytes = 32;

    Sha256();
    void update(ByteView data);
    // The end: nothing is added afterwards.
    Bytes finish();

  private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

Bytes to_hex(ByteView bytes);

}  // namespace quorate::snapshot
