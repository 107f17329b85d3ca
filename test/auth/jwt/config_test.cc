// SPDX-License-Identifier: Apache-2.0
//
// What keeps the jwt provider from starting names the option, the file and the way out.
#include "plugins/auth/jwt/config.h"

#include "jwt_fixture.h"

#include <openssl/x509.h>

namespace quorate::auth_jwt {

namespace {

using testing::JwtTest;
using testing::KeyPair;
using testing::OptionList;

class JwtConfig : public JwtTest {
  protected:
    static const KeyPair& rsa() {
        static const KeyPair pair = testing::rsa_pair();
        return pair;
    }
};

TEST_F(JwtConfig, SaysWhatIsMissing) {
    const std::string names =
        "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, HS256, HS384, HS512, EdDSA";
    EXPECT_EQ(refusal({}), "option sign-method is missing: needs one of " + names);
    EXPECT_EQ(refusal({{"sign-method", "none"}, {"priv-key", "/x"}}),
              "option sign-method = \"none\": needs one of " + names);
    EXPECT_EQ(refusal({{"sign-method", "rs256"}, {"priv-key", "/x"}}),
              "option sign-method = \"rs256\": needs one of " + names);
    EXPECT_EQ(refusal({{"sign-method", "RS256"}}),
              "options priv-key and pub-key are missing: RS256 needs priv-key to make tokens, or "
              "pub-key if it is only to verify them");
    EXPECT_EQ(refusal({{"sign-method", "HS256"}, {"pub-key", "/x"}}),
              "option priv-key is missing: HS256 needs the file of the secret");
    EXPECT_EQ(refusal({{"sign-method", "RS256"}, {"private-key", "/x"}}),
              "unknown option \"private-key\"; known: sign-method, pub-key, priv-key, ttl");
    EXPECT_EQ(refusal({{"sign-method", "RS256"}, {"pub-key", "/x"}, {"pub-key", "/y"}}),
              "option pub-key = \"/y\": needs to be given once");
}

TEST_F(JwtConfig, ReadsGosDurations) {
    const std::string key = file("k", std::string(64, 's'));
    const auto with = [&](const std::string& ttl) {
        return refusal({{"sign-method", "HS256"}, {"priv-key", key}, {"ttl", ttl}});
    };
    for (const char* ttl : {"1s", "5m", "1h30m", "1.5h", "1500ms", "1m0.5s", "720h", "1000000h"}) {
        EXPECT_EQ(with(ttl), "opened") << ttl;
    }
    for (const std::string ttl :
         {"", "0", "5", "0s", "-5m", "5x", "m", "5m ", " 5m", "1e3s", "5M", "1h30", "0.5s",
          "1000001h", "99999999999999999999h", "nans", "infs", "5m\x01"}) {
        EXPECT_EQ(with(ttl), "option ttl = \"" + ttl +
                                 "\": needs a duration such as 90s, 5m or 1h30m, from 1000ms to "
                                 "1000000h")
            << ttl;
    }
}

TEST_F(JwtConfig, NamesTheFileThatIsWrong) {
    const auto pub = [&](const std::string& path) {
        return refusal({{"sign-method", "RS256"}, {"pub-key", path}});
    };
    const auto priv = [&](const std::string& path) {
        return refusal({{"sign-method", "RS256"}, {"priv-key", path}});
    };
    EXPECT_EQ(pub(dir_ + "/none"),
              "pub-key \"$DIR/none\": can't be read: No such file or directory");
    EXPECT_EQ(priv(dir_), "priv-key \"$DIR\": can't be read: Is a directory");
    EXPECT_EQ(pub(file("empty", "")), "pub-key \"$DIR/empty\": is empty; it should hold a key");
    EXPECT_EQ(pub(file("large", std::string(64 * 1024 + 1, 'x'))),
              "pub-key \"$DIR/large\": is no key: larger than 64 KiB");
    EXPECT_EQ(pub(file("text", "hello\n")),
              "pub-key \"$DIR/text\": holds no public key or certificate in PEM form");
    EXPECT_EQ(priv(file("text", "hello\n")),
              "priv-key \"$DIR/text\": holds no private key in PEM form");
    EXPECT_EQ(priv(file("pub", rsa().public_pem)),
              "priv-key \"$DIR/pub\": holds no private key in PEM form");
    EXPECT_EQ(pub(file("cut", rsa().public_pem.substr(0, 200))),
              "pub-key \"$DIR/cut\": holds no public key or certificate in PEM form");
}

TEST_F(JwtConfig, RefusesKeysWithAPassphrase) {
    EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    BIO* bio = BIO_new(BIO_s_mem());
    const unsigned char passphrase[] = "pw";
    PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(),
                                  reinterpret_cast<const char*>(passphrase), 2, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    const std::string path = file("locked", std::string(data, static_cast<size_t>(size)));
    BIO_free(bio);
    EVP_PKEY_free(key);
    EXPECT_EQ(refusal({{"sign-method", "ES256"}, {"priv-key", path}}),
              "priv-key \"$DIR/locked\": is protected by a passphrase; remove it with openssl pkey "
              "-in");
}

TEST_F(JwtConfig, RefusesKeysOfAnotherKind) {
    const std::string rsa_key = file("rsa", rsa().private_pem);
    const std::string p256 = file("p256", testing::ec_pair("P-256").private_pem);
    const auto with = [&](const std::string& method, const std::string& path) {
        return refusal({{"sign-method", method}, {"priv-key", path}});
    };
    EXPECT_EQ(with("ES256", rsa_key),
              "priv-key \"$DIR/rsa\": is a key of kind RSA, ES256 needs EC");
    EXPECT_EQ(with("EdDSA", rsa_key),
              "priv-key \"$DIR/rsa\": is a key of kind RSA, EdDSA needs ED25519");
    EXPECT_EQ(with("PS256", p256), "priv-key \"$DIR/p256\": is a key of kind EC, PS256 needs RSA");
    EXPECT_EQ(with("ES512", p256),
              "priv-key \"$DIR/p256\": is a key on the curve prime256v1, ES512 needs secp521r1");
}

TEST_F(JwtConfig, RefusesPairsThatAreNone) {
    const std::string priv = file("priv", rsa().private_pem);
    EXPECT_EQ(refusal({{"sign-method", "RS256"},
                       {"priv-key", priv},
                       {"pub-key", file("own", rsa().public_pem)}}),
              "opened");
    EXPECT_EQ(refusal({{"sign-method", "RS256"},
                       {"priv-key", priv},
                       {"pub-key", file("other", testing::rsa_pair().public_pem)}}),
              "pub-key \"$DIR/other\": is not the public key of priv-key \"$DIR/priv\"");
}

TEST_F(JwtConfig, SmallKeysAreRefusedOrWarnedAbout) {
    const std::string tiny = file("tiny", testing::rsa_pair(512).private_pem);
    EXPECT_EQ(refusal({{"sign-method", "RS256"}, {"priv-key", tiny}}),
              "priv-key \"$DIR/tiny\": has 512 bits, needs at least 1024");
    const std::string small = file("small", testing::rsa_pair(1024).private_pem);
    EXPECT_EQ(refusal({{"sign-method", "PS512"}, {"priv-key", small}}),
              "priv-key \"$DIR/small\": can't make signatures of PS512; make a larger key");
    EXPECT_TRUE(log_.empty());
    EXPECT_EQ(refusal({{"sign-method", "RS256"}, {"priv-key", small}}), "opened");
    EXPECT_EQ(log_, std::vector<std::string>{
                        "1 key for tokens is weak an RSA key of 1024 bits, should have 2048"});
    log_.clear();
    const std::string secret = file("secret", "abc");
    EXPECT_EQ(refusal({{"sign-method", "HS384"}, {"priv-key", secret}}), "opened");
    EXPECT_EQ(log_, std::vector<std::string>{
                        "1 key for tokens is weak a secret of 3 bytes, HS384 should have 48"});
}

TEST_F(JwtConfig, TakesAPublicKeyFromACertificate) {
    EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    X509* certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    const std::string path = file("cert", std::string(data, static_cast<size_t>(size)));
    BIO_free(bio);
    X509_free(certificate);
    const KeyPair pair = testing::write_pair(key);
    const auto issuer = open({{"sign-method", "ES256"}, {"priv-key", file("p", pair.private_pem)}});
    const auto verifier = open({{"sign-method", "ES256"}, {"pub-key", path}});
    ASSERT_NE(verifier, nullptr);
    EXPECT_EQ(user_of(*verifier, *issuer->issue("alice", 1, 1)), "alice");
}

}  // namespace

}  // namespace quorate::auth_jwt
