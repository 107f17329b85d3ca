// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/jwt/key.h"

#include "plugins/auth/jwt/key_file.h"
#include "plugins/auth/jwt/openssl_ptr.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <utility>
#include <vector>

namespace quorate::auth_jwt {

namespace {

using plugin::Result;
using plugin::Status;

const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::string& bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

// OpenSSL's and JWT's form of an ECDSA signature: a DER sequence, and two numbers of one size.
std::string flat_from_der(const std::string& der, size_t coordinate_bytes) {
    const unsigned char* at = raw(std::string_view(der));
    const EcdsaSignature parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    std::string flat(2 * coordinate_bytes, '\0');
    const int bytes = static_cast<int>(coordinate_bytes);
    if (parsed == nullptr || BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), raw(flat), bytes) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), raw(flat) + coordinate_bytes, bytes) < 0) {
        return {};
    }
    return flat;
}

std::string der_from_flat(std::string_view flat, size_t coordinate_bytes) {
    if (flat.size() != 2 * coordinate_bytes) {
        return {};
    }
    const int bytes = static_cast<int>(coordinate_bytes);
    Number r(BN_bin2bn(raw(flat), bytes, nullptr));
    Number s(BN_bin2bn(raw(flat) + coordinate_bytes, bytes, nullptr));
    const EcdsaSignature whole(ECDSA_SIG_new());
    if (r == nullptr || s == nullptr || whole == nullptr ||
        ECDSA_SIG_set0(whole.get(), r.get(), s.get()) != 1) {
        return {};
    }
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(whole.get(), &der);
    if (size <= 0) {
        return {};
    }
    std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
    return text;
}

bool set_padding(EVP_PKEY_CTX* context, Family family, int salt_bytes) {
    return family != Family::kRsaPss ||
           (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_bytes) == 1);
}

const char* kind_of(Family family) {
    switch (family) {
        case Family::kRsa:
        case Family::kRsaPss:
            return "RSA";
        case Family::kEcdsa:
            return "EC";
        case Family::kHmac:
            return "HMAC";
        case Family::kEdDsa:
            return "ED25519";
    }
    return "";
}

std::string curve_of(const EVP_PKEY* key) {
    std::array<char, 64> name{};
    size_t size = 0;
    return EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 ? name.data() : "?";
}

Status refuse(const std::string& source, const std::string& what) {
    return {QUORATE_INVALID_ARGUMENT, source + ": " + what};
}

}  // namespace

Key::Key(const Method& method, Pkey pkey, bool can_sign)
    : method_(method), pkey_(std::move(pkey)), can_sign_(can_sign) {}

Result<std::unique_ptr<const Key>> Key::load(const Config& config) {
    if (config.method->family == Family::kHmac) {
        return load_secret(config);
    }
    const QuietErrors quiet;
    const KeyFile public_file{"pub-key", config.public_key_file};
    const KeyFile private_file{"priv-key", config.private_key_file};
    Pkey public_key;
    Pkey private_key;
    if (!public_file.path.empty()) {
        Result<EVP_PKEY*> read = read_public_key(public_file);
        if (!read) {
            return read.error();
        }
        public_key.reset(*read);
    }
    if (!private_file.path.empty()) {
        Result<EVP_PKEY*> read = read_private_key(private_file);
        if (!read) {
            return read.error();
        }
        private_key.reset(*read);
    }
    if (public_key != nullptr && private_key != nullptr &&
        EVP_PKEY_eq(public_key.get(), private_key.get()) != 1) {
        return refuse(public_file.text(), "is not the public key of " + private_file.text());
    }
    const bool can_sign = private_key != nullptr;
    std::unique_ptr<Key> key(new Key(
        *config.method, can_sign ? std::move(private_key) : std::move(public_key), can_sign));
    if (Status s = key->check(can_sign ? private_file.text() : public_file.text()); !s.ok()) {
        return s;
    }
    return std::unique_ptr<const Key>(std::move(key));
}

// The file as it is, whatever it holds, is the secret: so etcd reads it.
Result<std::unique_ptr<const Key>> Key::load_secret(const Config& config) {
    const KeyFile file{"priv-key", config.private_key_file};
    Result<std::string> secret = read_key_file(file);
    if (!secret) {
        return secret.error();
    }
    Pkey pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, nullptr, raw(*secret), secret->size()));
    OPENSSL_cleanse(secret->data(), secret->size());
    if (pkey == nullptr) {
        return refuse(file.text(), "can't be used as a secret");
    }
    std::unique_ptr<Key> key(new Key(*config.method, std::move(pkey), true));
    const int digest_bytes = EVP_MD_get_size(EVP_get_digestbyname(config.method->digest));
    if (secret->size() < static_cast<size_t>(digest_bytes)) {
        key->weakness_ = "a secret of " + std::to_string(secret->size()) + " bytes, " +
                         std::string(config.method->name) + " should have " +
                         std::to_string(digest_bytes);
    }
    return std::unique_ptr<const Key>(std::move(key));
}

// Whether the key fits the method. `source` is what texts name.
Status Key::check(const std::string& source) {
    const std::string name(method_.name);
    if (EVP_PKEY_is_a(pkey_.get(), kind_of(method_.family)) != 1) {
        const char* const found = EVP_PKEY_get0_type_name(pkey_.get());
        return refuse(source, std::string("is a key of kind ") + (found == nullptr ? "?" : found) +
                                  ", " + name + " needs " + kind_of(method_.family));
    }
    if (method_.curve != nullptr && curve_of(pkey_.get()) != method_.curve) {
        return refuse(source, "is a key on the curve " + curve_of(pkey_.get()) + ", " + name +
                                  " needs " + method_.curve);
    }
    const bool is_rsa = method_.family == Family::kRsa || method_.family == Family::kRsaPss;
    const int bits = EVP_PKEY_get_bits(pkey_.get());
    if (is_rsa && bits < kRsaBitsMin) {
        return refuse(source, "has " + std::to_string(bits) + " bits, needs at least " +
                                  std::to_string(kRsaBitsMin));
    }
    if (is_rsa && bits < kRsaBitsGood) {
        weakness_ = "an RSA key of " + std::to_string(bits) + " bits, should have " +
                    std::to_string(kRsaBitsGood);
    }
    // What only shows when it is used, such as a key too small for PS512.
    if (can_sign_) {
        Result<std::string> signature = sign("probe");
        if (!signature || !verify("probe", *signature)) {
            return refuse(source, "can't make signatures of " + name + "; make a larger key");
        }
    }
    return {};
}

Result<std::string> Key::sign(std::string_view input) const {
    const QuietErrors quiet;
    const Status failure(QUORATE_INTERNAL, "auth: a token can't be signed");
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* settings = nullptr;
    if (context == nullptr ||
        EVP_DigestSignInit_ex(context.get(), &settings, method_.digest, nullptr, nullptr,
                              pkey_.get(), nullptr) != 1 ||
        !set_padding(settings, method_.family, RSA_PSS_SALTLEN_DIGEST)) {
        return failure;
    }
    size_t size = 0;
    if (EVP_DigestSign(context.get(), nullptr, &size, raw(input), input.size()) != 1) {
        return failure;
    }
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), raw(signature), &size, raw(input), input.size()) != 1) {
        return failure;
    }
    signature.resize(size);
    if (method_.family == Family::kEcdsa) {
        signature = flat_from_der(signature, method_.coordinate_bytes);
    }
    return signature.empty() ? Result<std::string>(failure) : Result(std::move(signature));
}

bool Key::verify(std::string_view input, std::string_view signature) const {
    if (method_.family == Family::kHmac) {
        Result<std::string> made = sign(input);
        return made && made->size() == signature.size() &&
               CRYPTO_memcmp(made->data(), signature.data(), signature.size()) == 0;
    }
    const QuietErrors quiet;
    std::string der;
    if (method_.family == Family::kEcdsa) {
        der = der_from_flat(signature, method_.coordinate_bytes);
        signature = der;
    }
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* settings = nullptr;
    return !signature.empty() && context != nullptr &&
           EVP_DigestVerifyInit_ex(context.get(), &settings, method_.digest, nullptr, nullptr,
                                   pkey_.get(), nullptr) == 1 &&
           set_padding(settings, method_.family, RSA_PSS_SALTLEN_AUTO) &&
           EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(input),
                            input.size()) == 1;
}

}  // namespace quorate::auth_jwt
