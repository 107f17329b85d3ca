// SPDX-License-Identifier: Apache-2.0
#include "snapshot/sha256.h"

#include "base/assert.h"

namespace quorate::snapshot {

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    QUORATE_ASSERT(context_ != nullptr);
    const int done = EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
    QUORATE_ASSERT(done == 1);
}

void Sha256::update(ByteView data) {
    const int done = EVP_DigestUpdate(context_.get(), data.data(), data.size());
    QUORATE_ASSERT(done == 1);
}

Bytes Sha256::finish() {
    Bytes digest(kBytes, '\0');
    const int done = EVP_DigestFinal_ex(context_.get(),
                                        reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    QUORATE_ASSERT(done == 1);
    return digest;
}

Bytes to_hex(ByteView bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    Bytes out;
    for (const char byte : bytes) {
        out.push_back(kDigits[(static_cast<unsigned char>(byte) >> 4) & 15]);
        out.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
    }
    return out;
}

}  // namespace quorate::snapshot
