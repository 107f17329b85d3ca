// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the jwt provider share: keys made on the spot, files of their own, and a host
// whose clock they set.
#pragma once

#include "plugins/auth/jwt/provider.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quorate::auth_jwt::testing {

using OptionList = std::vector<std::pair<std::string, std::string>>;

// A key pair as the two texts of PEM.
struct KeyPair {
    std::string private_pem;
    std::string public_pem;
};

inline KeyPair write_pair(EVP_PKEY* key) {
    const auto text_of = [](BIO* bio) {
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio, &data);
        std::string text(data, static_cast<size_t>(size));
        BIO_free(bio);
        return text;
    };
    BIO* private_bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(private_bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    BIO* public_bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(public_bio, key);
    EVP_PKEY_free(key);
    return {text_of(private_bio), text_of(public_bio)};
}

inline KeyPair rsa_pair(size_t bits = 2048) {
    return write_pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}
inline KeyPair ec_pair(const char* curve) {
    return write_pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}
inline KeyPair ed25519_pair() {
    return write_pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

class JwtTest : public ::testing::Test {
  protected:
    JwtTest() {
        dir_ = (std::filesystem::temp_directory_path() / "quorate-test-XXXXXX").string();
        EXPECT_NE(::mkdtemp(dir_.data()), nullptr);
        host_.size = sizeof host_;
        host_.ctx = this;
        host_.log = [](void* ctx, int32_t level, quorate_bytes message,
                       const quorate_log_field* fields, size_t field_count) noexcept {
            std::string line = std::to_string(level) + ' ' + std::string(plugin::view(message));
            for (size_t i = 0; i < field_count; ++i) {
                line += ' ' + std::string(plugin::view(fields[i].value));
            }
            static_cast<JwtTest*>(ctx)->log_.push_back(line);
        };
        host_.unix_ms = [](void* ctx) noexcept { return static_cast<JwtTest*>(ctx)->now_ms_; };
    }
    ~JwtTest() override { std::filesystem::remove_all(dir_); }

    std::string file(const std::string& name, const std::string& content) const {
        std::ofstream(dir_ + '/' + name, std::ios::binary) << content;
        return dir_ + '/' + name;
    }

    plugin::Result<std::unique_ptr<Provider>> try_open(const OptionList& options) const {
        std::vector<quorate_option> list;
        for (const auto& [key, value] : options) {
            list.push_back({plugin::bytes(key), plugin::bytes(value)});
        }
        return Provider::open({settings_, list.data(), list.size(), host_});
    }
    std::unique_ptr<Provider> open(const OptionList& options) const {
        auto provider = try_open(options);
        EXPECT_TRUE(provider) << provider.error().text();
        return provider ? std::move(*provider) : nullptr;
    }
    // The refusal, with this test's folder written as $DIR.
    std::string refusal(const OptionList& options) const {
        const auto provider = try_open(options);
        std::string text = provider ? "opened" : provider.error().text();
        for (size_t at = text.find(dir_); at != std::string::npos; at = text.find(dir_)) {
            text.replace(at, dir_.size(), "$DIR");
        }
        return text;
    }
    // The user, or "refused".
    static std::string user_of(Provider& provider, std::string_view token) {
        auto owner = provider.verify(token);
        if (!owner) {
            EXPECT_EQ(owner.error().code(), QUORATE_UNAUTHENTICATED);
            return "refused";
        }
        return owner->user;
    }

    std::string dir_;
    quorate_auth_settings settings_{sizeof settings_, 300, 4};
    quorate_host host_{};
    int64_t now_ms_ = 1'700'000'000'500;
    std::vector<std::string> log_;
};

}  // namespace quorate::auth_jwt::testing
