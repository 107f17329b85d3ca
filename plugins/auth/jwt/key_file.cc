// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/jwt/key_file.h"

#include "plugin/cxx/posix.h"
#include "plugins/auth/jwt/openssl_ptr.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>

namespace quorate::auth_jwt {

namespace {

using plugin::Result;
using plugin::Status;

Status refuse(const KeyFile& file, const std::string& what) {
    return {QUORATE_INVALID_ARGUMENT, file.text() + ": " + what};
}

Bio reader_of(const std::string& pem) {
    return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// errno's words behind the path, which our own texts have already.
Status unreadable(const KeyFile& file, const Status& why) {
    const std::string prefix = file.path + ": ";
    const bool named = why.text().starts_with(prefix);
    return refuse(file, "can't be read: " + why.text().substr(named ? prefix.size() : 0));
}

// Nobody is there to type one.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

EVP_PKEY* public_key_of(const std::string& pem) {
    if (EVP_PKEY* key =
            PEM_read_bio_PUBKEY(reader_of(pem).get(), nullptr, no_passphrase, nullptr)) {
        return key;
    }
    const Certificate certificate(
        PEM_read_bio_X509(reader_of(pem).get(), nullptr, no_passphrase, nullptr));
    return certificate == nullptr ? nullptr : X509_get_pubkey(certificate.get());
}

}  // namespace

Result<std::string> read_key_file(const KeyFile& file) {
    std::string content(KeyFile::kBytesMax + 1, '\0');
    Result<plugin::PosixFile> opened = plugin::PosixFile::open(file.path, O_RDONLY);
    if (!opened) {
        return unreadable(file, opened.error());
    }
    Result<size_t> bytes = opened->read_at(0, content.data(), content.size());
    if (!bytes) {
        return unreadable(file, bytes.error());
    }
    content.resize(*bytes);
    if (content.empty()) {
        return refuse(file, "is empty; it should hold a key");
    }
    if (content.size() > KeyFile::kBytesMax) {
        return refuse(file, "is no key: larger than 64 KiB");
    }
    return content;
}

Result<EVP_PKEY*> read_public_key(const KeyFile& file) {
    Result<std::string> pem = read_key_file(file);
    if (!pem) {
        return pem.error();
    }
    EVP_PKEY* const key = public_key_of(*pem);
    if (key == nullptr) {
        return refuse(file, "holds no public key or certificate in PEM form");
    }
    return key;
}

Result<EVP_PKEY*> read_private_key(const KeyFile& file) {
    Result<std::string> pem = read_key_file(file);
    if (!pem) {
        return pem.error();
    }
    EVP_PKEY* const key =
        PEM_read_bio_PrivateKey(reader_of(*pem).get(), nullptr, no_passphrase, nullptr);
    const bool encrypted = pem->find("ENCRYPTED") != std::string::npos;
    OPENSSL_cleanse(pem->data(), pem->size());
    if (key == nullptr) {
        return refuse(file, encrypted
                                ? "is protected by a passphrase; remove it with openssl pkey -in"
                                : "holds no private key in PEM form");
    }
    return key;
}

}  // namespace quorate::auth_jwt
