// SPDX-License-Identifier: Apache-2.0
//
// Tokens of every method: made here and by Go, forged in the ways that others were fooled by.
#include "plugins/auth/jwt/provider.h"

#include "jwt_fixture.h"
#include "plugins/auth/jwt/base64url.h"

#include <openssl/err.h>

#include <atomic>
#include <map>
#include <set>
#include <sstream>
#include <thread>

namespace quorate::auth_jwt {

namespace {

using testing::JwtTest;
using testing::KeyPair;
using testing::OptionList;

constexpr const char* kMethods[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
                                    "ES384", "ES512", "HS256", "HS384", "HS512", "EdDSA"};

// One pair per kind for all tests: RSA keys take their time.
const KeyPair& pair_for(std::string_view method) {
    static const std::map<std::string, KeyPair> pairs = {
        {"R", testing::rsa_pair()},           {"ES256", testing::ec_pair("P-256")},
        {"ES384", testing::ec_pair("P-384")}, {"ES512", testing::ec_pair("P-521")},
        {"EdDSA", testing::ed25519_pair()},   {"H", {std::string(64, 's'), ""}}};
    const bool rsa = method[0] == 'R' || method[0] == 'P';
    return pairs.at(rsa ? "R" : method[0] == 'H' ? "H" : std::string(method));
}

class JwtProvider : public JwtTest {
  protected:
    OptionList options_for(const std::string& method) const {
        return {{"sign-method", method},
                {"priv-key", file(method + ".pem", pair_for(method).private_pem)}};
    }

    // A token of this text, whatever it says, with a right signature.
    static std::string sign(const Key& key, const std::string& header, const std::string& claims) {
        const std::string input = to_base64url(header) + '.' + to_base64url(claims);
        auto signature = key.sign(input);
        EXPECT_TRUE(signature);
        return input + '.' + to_base64url(*signature);
    }
};

TEST_F(JwtProvider, MakesTokensThatItKnows) {
    for (const std::string method : kMethods) {
        const auto provider = open(options_for(method));
        ASSERT_NE(provider, nullptr) << method;
        EXPECT_FALSE(provider->replicated());
        auto token = provider->issue("alice", 42, 7);
        ASSERT_TRUE(token) << method << token.error().text();
        for (int round = 0; round < 2; ++round) {
            auto owner = provider->verify(*token);
            ASSERT_TRUE(owner) << method;
            EXPECT_EQ(owner->user, "alice");
            EXPECT_EQ(owner->auth_revision, 42U);
        }
    }
}

TEST_F(JwtProvider, WritesWhatEtcdWrites) {
    const auto provider = open(options_for("HS256"));
    auto token = provider->issue("al\"ice/\xc3\xa4<", 42, 7);
    ASSERT_TRUE(token);
    const size_t first = token->find('.');
    const size_t last = token->rfind('.');
    EXPECT_EQ(from_base64url(token->substr(0, first)), R"({"alg":"HS256","typ":"JWT"})");
    EXPECT_EQ(from_base64url(token->substr(first + 1, last - first - 1)),
              "{\"exp\":1700000300,\"revision\":42,\"username\":\"al\\\"ice/\xc3\xa4<\"}");
    EXPECT_EQ(user_of(*provider, *token), "al\"ice/\xc3\xa4<");
}

TEST_F(JwtProvider, KnowsTokensThatGoMade) {
    const std::string dir = JWT_VECTORS;
    std::ifstream in(dir + "/tokens");
    std::set<std::string> seen;
    std::string method;
    std::string key;
    std::string token;
    while (in >> method >> key >> token) {
        const OptionList options = {{"sign-method", method},
                                    key == "secret"
                                        ? std::pair("priv-key", dir + "/secret")
                                        : std::pair("pub-key", dir + '/' + key + ".pub")};
        const auto provider = open(options);
        ASSERT_NE(provider, nullptr) << method;
        auto owner = provider->verify(token);
        ASSERT_TRUE(owner) << method;
        EXPECT_EQ(owner->user, "alice <" + method + ">");
        EXPECT_EQ(owner->auth_revision, 7U);
        now_ms_ = 4'102'444'800'000;
        EXPECT_EQ(user_of(*provider, token), "refused") << method << " after its end";
        now_ms_ = 1'700'000'000'000;
        seen.insert(method);
    }
    EXPECT_EQ(seen.size(), std::size(kMethods));
}

TEST_F(JwtProvider, OnlyVerifiesWithAPublicKey) {
    for (const std::string method : {"RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"}) {
        const std::string pub = file("pub.pem", pair_for(method).public_pem);
        const auto issuer = open(options_for(method));
        const auto verifier = open({{"sign-method", method}, {"pub-key", pub}});
        ASSERT_NE(verifier, nullptr);
        auto token = issuer->issue("alice", 1, 1);
        ASSERT_TRUE(token);
        EXPECT_EQ(user_of(*verifier, *token), "alice") << method;
        auto none = verifier->issue("alice", 1, 1);
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().code(), QUORATE_FAILED_PRECONDITION);
        EXPECT_EQ(none.error().text(), "auth: token signing attempted with verify-only key");
    }
}

TEST_F(JwtProvider, TokensEnd) {
    for (const std::string method : {"HS256", "ES256"}) {
        OptionList options = options_for(method);
        options.emplace_back("ttl", "90s");
        const auto provider = open(options);
        auto token = provider->issue("alice", 1, 1);
        ASSERT_TRUE(token);
        const int64_t made_ms = now_ms_;
        now_ms_ = made_ms + 89'400;
        EXPECT_EQ(user_of(*provider, *token), "alice");
        now_ms_ = made_ms + 89'600;  // exp has whole seconds
        EXPECT_EQ(user_of(*provider, *token), "refused");
        now_ms_ = made_ms;
        EXPECT_EQ(user_of(*provider, *token), "alice");
    }
}

TEST_F(JwtProvider, NoticesEveryChangedByte) {
    for (const std::string method : {"HS256", "RS256", "PS256", "ES256", "EdDSA"}) {
        const auto provider = open(options_for(method));
        auto token = provider->issue("alice", 1, 1);
        ASSERT_TRUE(token);
        const std::string alphabet = "AZaz09-_.= \xff";
        for (size_t i = 0; i < token->size(); i += method == "HS256" ? 1 : 7) {
            for (const char other : {alphabet[i % alphabet.size()], '\0', 'A'}) {
                std::string changed = *token;
                changed[i] = other;
                EXPECT_TRUE(changed == *token || user_of(*provider, changed) == "refused")
                    << method << ' ' << i;
            }
            EXPECT_EQ(user_of(*provider, token->substr(0, i)), "refused");
        }
        EXPECT_EQ(user_of(*provider, *token + "A"), "refused");
        EXPECT_EQ(user_of(*provider, *token + "="), "refused");
        EXPECT_EQ(user_of(*provider, *token + ".A"), "refused");
        EXPECT_EQ(user_of(*provider, *token), "alice");
    }
}

TEST_F(JwtProvider, RefusesOtherKeysAndMethods) {
    for (const std::string made_with : kMethods) {
        const auto issuer = open(options_for(made_with));
        auto token = issuer->issue("alice", 1, 1);
        ASSERT_TRUE(token);
        for (const std::string method : kMethods) {
            const auto provider = open(options_for(method));
            EXPECT_EQ(user_of(*provider, *token), method == made_with ? "alice" : "refused")
                << made_with << " shown to " << method;
        }
    }
    const auto provider = open(options_for("ES256"));
    const std::string other = file("other.pem", testing::ec_pair("P-256").private_pem);
    const auto stranger = open({{"sign-method", "ES256"}, {"priv-key", other}});
    EXPECT_EQ(user_of(*provider, *stranger->issue("root", 1, 1)), "refused");
}

// The classic forgeries: a public key taken for a secret, "none", and no signature at all.
TEST_F(JwtProvider, IsNotConfusedByTheHeader) {
    const std::string pub = pair_for("RS256").public_pem;
    const auto provider = open({{"sign-method", "RS256"}, {"pub-key", file("pub.pem", pub)}});
    const std::string claims = R"({"username":"root","revision":1,"exp":1900000000})";
    const std::string secret_file = file("as-secret", pub);
    const Config as_secret{find_method("HS256"), "", secret_file, 1000};
    auto hmac = Key::load(as_secret);
    ASSERT_TRUE(hmac);
    for (const std::string header :
         {R"({"alg":"HS256","typ":"JWT"})", R"({"alg":"RS256","typ":"JWT"})"}) {
        EXPECT_EQ(user_of(*provider, sign(**hmac, header, claims)), "refused");
    }
    for (const std::string alg : {"none", "None", "NONE", "", "RS256"}) {
        const std::string input =
            to_base64url(R"({"alg":")" + alg + R"(","typ":"JWT"})") + '.' + to_base64url(claims);
        for (const std::string signature : {"", "AA", "none"}) {
            EXPECT_EQ(user_of(*provider, input + '.' + signature), "refused") << alg;
        }
        EXPECT_EQ(user_of(*provider, input), "refused");
    }
}

TEST_F(JwtProvider, RefusesWhatADifferentHeaderSays) {
    const auto provider = open(options_for("HS256"));
    const std::string file_name = dir_ + "/HS256.pem";
    auto key = Key::load({find_method("HS256"), "", file_name, 1000});
    ASSERT_TRUE(key);
    const std::string claims = R"({"username":"alice","revision":1,"exp":1900000000})";
    const auto with = [&](const std::string& header) {
        return user_of(*provider, sign(**key, header, claims));
    };
    EXPECT_EQ(with(R"({"alg":"HS256"})"), "alice");
    EXPECT_EQ(with(R"({"kid":"1","typ":"at+jwt","alg":"HS256"})"), "alice");
    for (const std::string header :
         {R"({"alg":"HS384"})", R"({"alg":"none"})", R"({"alg":["HS256"]})", R"({"alg":null})",
          R"({"typ":"JWT"})", R"({"alg":"HS256","crit":["exp"]})", R"("HS256")", R"([])", R"({)",
          "", R"({"alg":"hs256"})"}) {
        EXPECT_EQ(with(header), "refused") << header;
    }
}

TEST_F(JwtProvider, RefusesOtherClaims) {
    const auto provider = open(options_for("HS256"));
    auto key = Key::load({find_method("HS256"), "", dir_ + "/HS256.pem", 1000});
    ASSERT_TRUE(key);
    const auto with = [&](const std::string& claims) {
        return user_of(*provider, sign(**key, R"({"alg":"HS256"})", claims));
    };
    EXPECT_EQ(with(R"({"username":"a","revision":1,"exp":1700000001})"), "a");
    EXPECT_EQ(with(R"({"username":"a","revision":1,"exp":1.700000001e9,"iat":9e9,"x":{}})"), "a");
    EXPECT_EQ(with(R"({"username":"a","revision":18446744073709549568})"), "a");
    EXPECT_EQ(with(R"({"username":"a","revision":1,"nbf":1700000000})"), "a");
    for (const std::string claims : {R"({"revision":1})",
                                     R"({"username":"a"})",
                                     R"({"username":"","revision":1})",
                                     R"({"username":7,"revision":1})",
                                     R"({"username":null,"revision":1})",
                                     R"({"username":["a"],"revision":1})",
                                     R"({"username":"a","revision":"1"})",
                                     R"({"username":"a","revision":-1})",
                                     R"({"username":"a","revision":0})",
                                     R"({"username":"a","revision":1.5})",
                                     R"({"username":"a","revision":true})",
                                     R"({"username":"a","revision":1e300})",
                                     R"({"username":"a","revision":18446744073709551616})",
                                     R"({"username":"a","revision":null})",
                                     R"({"username":"a","revision":{}})",
                                     R"({"username":"a","revision":1,"exp":1700000000})",
                                     R"({"username":"a","revision":1,"exp":0})",
                                     R"({"username":"a","revision":1,"exp":-5})",
                                     R"({"username":"a","revision":1,"exp":"1900000000"})",
                                     R"({"username":"a","revision":1,"exp":null})",
                                     R"({"username":"a","revision":1,"exp":1e300})",
                                     R"({"username":"a","revision":1,"nbf":1700000001})",
                                     R"({"username":"a","revision":1,"nbf":"soon"})",
                                     R"([])",
                                     R"(null)",
                                     R"("a")",
                                     "",
                                     "{",
                                     R"({"username":"a","revision":1}})",
                                     "\xff\xfe"}) {
        EXPECT_EQ(with(claims), "refused") << claims;
    }
    const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
    EXPECT_EQ(with(R"({"username":"a","revision":1,"x":)" + deep.substr(0, 1000) + "}"), "refused");
    EXPECT_EQ(with(R"({"username":"a","revision":1,"x":)" + deep + "}"), "refused");
}

TEST_F(JwtProvider, RefusesWhatIsNoToken) {
    const auto provider = open(options_for("ES256"));
    for (const std::string& text :
         {std::string(), std::string("."), std::string(".."), std::string("..."),
          std::string("a.b"), std::string("abcdefghijklmnop.17"), std::string(1, '\0'),
          std::string(100, '.'), std::string(Provider::kTokenBytesMax, 'A'),
          std::string(10'000'000, '.')}) {
        EXPECT_EQ(user_of(*provider, text), "refused");
    }
}

TEST_F(JwtProvider, TakesNewKeysOver) {
    OptionList options = options_for("ES256");
    const std::string path = options[1].second;
    const auto provider = open(options);
    const std::string before = *provider->issue("alice", 1, 1);
    EXPECT_EQ(user_of(*provider, before), "alice");

    std::ofstream(path) << "half a ke";
    const plugin::Status refused = provider->reload();
    EXPECT_EQ(refused.code(), QUORATE_INVALID_ARGUMENT);
    EXPECT_EQ(refused.text(), "priv-key \"" + path + "\": holds no private key in PEM form");
    EXPECT_EQ(user_of(*provider, before), "alice");
    EXPECT_EQ(user_of(*provider, *provider->issue("bob", 1, 1)), "bob");

    std::ofstream(path) << testing::ec_pair("P-256").private_pem;
    ASSERT_TRUE(provider->reload().ok());
    EXPECT_EQ(user_of(*provider, before), "refused") << "the old key's word counts no more";
    EXPECT_EQ(user_of(*provider, *provider->issue("bob", 1, 1)), "bob");
}

TEST_F(JwtProvider, KeepsCallsGoingWhileKeysChange) {
    const auto provider = open(options_for("HS256"));
    const std::string token = *provider->issue("alice", 1, 1);
    std::vector<std::thread> threads;
    std::atomic<bool> stop = false;
    std::atomic<int> failures = 0;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 300 || !stop; ++round) {
                failures += provider->verify(token) ? 0 : 1;
                failures += provider->verify(*provider->issue("bob", 2, 1)) ? 0 : 1;
            }
        });
    }
    for (int i = 0; i < 100; ++i) {
        failures += provider->reload().ok() ? 0 : 1;
    }
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(failures, 0);
}

TEST_F(JwtProvider, DoesNotInstall) {
    const auto provider = open(options_for("HS256"));
    const plugin::Status status = provider->install("abcdefghijklmnop.7", "alice");
    EXPECT_EQ(status.text(),
              "signed tokens are not installed; do all members use the same auth-token?");
    provider->forget_user("alice");
    provider->forget_all();
}

TEST_F(JwtProvider, LeavesNoErrorsBehind) {
    const auto provider = open(options_for("RS256"));
    auto token = provider->issue("alice", 1, 1);
    (*token)[token->size() - 5] = (*token)[token->size() - 5] == 'A' ? 'B' : 'A';
    EXPECT_EQ(user_of(*provider, *token), "refused");
    EXPECT_EQ(user_of(*provider, "AAAA.AAAA.AAAA"), "refused");
    EXPECT_EQ(refusal({{"sign-method", "RS256"}, {"pub-key", file("x", "no key")}}),
              "pub-key \"$DIR/x\": holds no public key or certificate in PEM form");
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(TokenCache, ForgetsWhatWasNotUsed) {
    TokenCache cache(8);
    for (int i = 0; i < 100; ++i) {
        cache.insert("t" + std::to_string(i), {"u" + std::to_string(i), 1, 2, 3});
        EXPECT_LE(cache.size(), 8U);
    }
    ASSERT_TRUE(cache.find("t99"));
    EXPECT_EQ(cache.find("t99")->user, "u99");
    EXPECT_FALSE(cache.find("t0"));
    for (int i = 100; i < 200; ++i) {
        ASSERT_TRUE(cache.find("t99")) << "used all the time";
        cache.insert("t" + std::to_string(i), {"u", 1, 2, 3});
    }
    const std::string longest(TokenCache::kTokenBytesMax, 'x');
    cache.insert(longest, {});
    cache.insert(longest + 'x', {});
    EXPECT_TRUE(cache.find(longest));
    EXPECT_FALSE(cache.find(longest + 'x'));
}

TEST(Base64Url, IsItsOwnInverse) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        const std::string text = to_base64url(bytes);
        EXPECT_EQ(from_base64url(text), bytes);
        EXPECT_EQ(text.find_first_of("+/="), std::string::npos);
        bytes += static_cast<char>(i * 37);
    }
    EXPECT_EQ(to_base64url("\xfb\xff\xfe"), "-__-");
    EXPECT_EQ(to_base64url("f"), "Zg");
    EXPECT_EQ(to_base64url("fo"), "Zm8");
    EXPECT_EQ(to_base64url("foo"), "Zm9v");
}

TEST(Base64Url, TakesOneFormOnly) {
    for (const char* text :
         {"Z", "Zg==", "Zg=", "Zh", "Zm9", "Zm8 ", "+A", "/A", "Z\xc3\xa4", "Zm9vZ", "Zm9v\n"}) {
        EXPECT_EQ(from_base64url(text), std::nullopt) << text;
    }
}

}  // namespace

}  // namespace quorate::auth_jwt
