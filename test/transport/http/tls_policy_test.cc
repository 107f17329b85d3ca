// SPDX-License-Identifier: Apache-2.0
//
// Who may come in over TLS beyond "signed by our CA", what is negotiated, and what changes when the
// files do.
#include "transport/http/test_certificates.h"
#include "transport/http/test_client.h"
#include "transport/http/test_core.h"
#include "transport/http/test_dialer.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <string>

namespace quorate::http::testing {
namespace {

constexpr const char* kEcho = "/test.Test/Echo";
const TestServer::Options kLookOften = {{"tls_check_interval", "10"}};

class TlsPolicyTest : public ::testing::Test {
  protected:
    TlsPolicyTest() {
        core_.at(kEcho).on_message = [](TestCall& call, std::string_view text) {
            call.reply(text);
        };
        files_.add("revoked", {"a thief"});
        files_.add_crl("ca", "ca", {"revoked"});
    }

    Listen listen() const {
        Listen where;
        where.cert_file = files_.cert("server");
        where.key_file = files_.key("server");
        where.client_ca_file = files_.cert("ca");
        where.name = "client";
        return where;
    }
    Dial dial(const TestServer& server, const std::string& certificate) const {
        Dial where;
        where.port = server.port();
        where.tls = true;
        where.ca_file = files_.cert("ca");
        where.cert_file = files_.cert(certificate);
        where.key_file = files_.key(certificate);
        return where;
    }
    // How one call over a connection of its own ends: "" or the error's text.
    static std::string ask(TestServer& server, const Dial& where) {
        TestDialer client(server, where);
        TestRequest& request = client.ask(kEcho, "x");
        return request.end->code == 0 ? "" : request.end->text;
    }
    std::string ask(TestServer& server, const std::string& certificate) const {
        return ask(server, dial(server, certificate));
    }

    TestCertificates files_;
    TestCore core_;
};

void expect_in(const std::string& part, const std::string& text) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST_F(TlsPolicyTest, RefusesWhatIsRevoked) {
    Listen where = listen();
    where.crl_file = files_.crl("ca");
    TestServer server(core_, {}, where);
    EXPECT_EQ(ask(server, "client"), "");
    expect_in("certificate revoked", ask(server, "revoked"));
    EXPECT_TRUE(server.host().comes_to_log("client certificate \"CN=a thief\" is revoked"));
    EXPECT_TRUE(server.host().logged("rejected connection on client endpoint"));
}

TEST_F(TlsPolicyTest, ListsThatWouldRevokeNothingAreRefused) {
    Listen where = listen();
    const auto refused = [&](const std::string& file) {
        where.crl_file = file;
        return TestServer::refused(core_, where);
    };
    files_.add_ca("other");
    files_.add_crl("other", "other", {"revoked"});
    const std::string foreign = refused(files_.crl("other"));
    expect_in(files_.crl("other"), foreign);
    expect_in("\"CN=test other\" is not signed by a certificate of CA file", foreign);
    expect_in("it holds no revocation list", refused(files_.cert("ca")));
    expect_in("No such file", refused(files_.path("missing")));
    where.client_ca_file.clear();
    expect_in("need a CA file", refused(files_.crl("ca")));
}

TEST_F(TlsPolicyTest, AnOldListIsUsedAndReported) {
    files_.add_crl("ca", "ca", {"revoked"}, -10);
    Listen where = listen();
    where.crl_file = files_.crl("ca");
    TestServer server(core_, {}, where);
    EXPECT_TRUE(server.host().logged("certificate revocation list is out of date"));
    expect_in("certificate revoked", ask(server, "revoked"));
    EXPECT_EQ(ask(server, "client"), "");
}

TEST_F(TlsPolicyTest, AllowsTheNamesThatItIsTold) {
    files_.add("member", {"member 1", "DNS:m1.example.org"});
    Listen where = listen();
    where.allowed_common_names = "member 1\nmember 2\n";
    TestServer by_name(core_, {}, where);
    EXPECT_EQ(ask(by_name, "member"), "");
    expect_in("remote error: tls: bad certificate (the other side does not accept",
              ask(by_name, "client"));
    EXPECT_TRUE(by_name.host().comes_to_log(
        "client certificate authentication failed: its common name \"the client\" is none of "
        "those allowed (\"member 1\" \"member 2\")"));
    where.allowed_common_names.clear();
    where.allowed_host_names = "m1.example.org";
    TestServer by_host(core_, {}, where);
    EXPECT_EQ(ask(by_host, "member"), "");
    expect_in("bad certificate", ask(by_host, "client"));
    // A common name is no host name.
    files_.add("client", {"m1.example.org"});
    expect_in("bad certificate", ask(by_host, "client"));
}

TEST_F(TlsPolicyTest, HoldsForServersThatAreCalledToo) {
    TestServer server(core_, {}, listen());
    Dial where = dial(server, "client");
    where.allowed_common_names = "somebody else";
    expect_in("server certificate authentication failed: its common name \"the server\"",
              ask(server, where));
}

TEST_F(TlsPolicyTest, ComparesAddressesWithCertificates) {
    files_.add("elsewhere", {"elsewhere", "IP:10.1.2.3"});
    files_.add("local", {"local", "DNS:localhost"});
    files_.add("remote", {"remote", "DNS:nowhere.invalid,DNS:*.nowhere.invalid"});
    files_.add("nameless", {"nameless", ""});
    Listen where = listen();
    where.check_address = 1;
    TestServer server(core_, {}, where);
    EXPECT_EQ(ask(server, "client"), "");
    EXPECT_EQ(ask(server, "nameless"), "");
    EXPECT_EQ(ask(server, "local"), "");  // by a lookup
    EXPECT_NE(ask(server, "elsewhere"), "");
    EXPECT_TRUE(
        server.host().comes_to_log("the certificate is valid for \"10.1.2.3\", not \"127.0.0.1\""));
    TestServer another(core_, {}, where);
    EXPECT_NE(ask(another, "remote"), "");
    EXPECT_TRUE(another.host().comes_to_log(
        "tls: \"127.0.0.1\" does not match any of DNSNames [\"nowhere.invalid\" "
        "\"*.nowhere.invalid\"]"));
}

TEST_F(TlsPolicyTest, ChoosesVersionsAndSuites) {
    Listen where = listen();
    where.version_min = QUORATE_TLS_1_3;
    TestServer newest(core_, {}, where);
    Dial old = dial(newest, "client");
    old.version_max = QUORATE_TLS_1_2;
    expect_in("protocol version", ask(newest, old));
    EXPECT_EQ(ask(newest, "client"), "");

    where.version_min = 0;
    where.version_max = QUORATE_TLS_1_2;
    where.cipher_suites = "TLS_AES_128_GCM_SHA256\nTLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305\n";
    TestServer choosy(core_, {}, where);
    Dial other = dial(choosy, "client");
    EXPECT_EQ(ask(choosy, other), "");
    other.cipher_suites = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    expect_in("handshake failure", ask(choosy, other));

    where.cipher_suites = "TLS_ECDHE_RSA_WITH_RC4_128_SHA\n";
    expect_in("cipher suite TLS_ECDHE_RSA_WITH_RC4_128_SHA is not offered",
              TestServer::refused(core_, where));
    where.cipher_suites = "TLS_AES_128_GCM_SHA256\n";
    expect_in("no cipher suite is left for TLS 1.2", TestServer::refused(core_, where));
    where.version_max = 0;  // then TLS 1.3 is what is left
    TestServer left(core_, {}, where);
    old.port = left.port();
    expect_in("protocol version", ask(left, old));
}

TEST_F(TlsPolicyTest, ExpiredCertificatesAreRefused) {
    CertificateOptions options{"the server"};
    options.valid_s = -60;
    files_.add("server", options);
    expect_in("the certificate has expired on", TestServer::refused(core_, listen()));
}

// --- reload --------------------------------------------------------------------------------------

TEST_F(TlsPolicyTest, ReadsFilesAgainWhenTold) {
    Listen where = listen();
    where.crl_file = files_.crl("ca");
    TestServer server(core_, {{"tls_check_interval", "86400000"}}, where);
    TestDialer before(server, dial(server, "client"));
    EXPECT_EQ(before.ask(kEcho, "x").end->code, 0);
    files_.add_crl("ca", "ca", {"revoked", "client"});
    EXPECT_EQ(ask(server, "client"), "");
    EXPECT_EQ(server.reload(), "");
    expect_in("certificate revoked", ask(server, "client"));
    // Who is there stays.
    EXPECT_EQ(before.ask(kEcho, "x").end->code, 0);
    files_.add_crl("ca", "ca", {});
    EXPECT_EQ(server.reload(), "");
    EXPECT_EQ(ask(server, "client"), "");
}

TEST_F(TlsPolicyTest, WhatCannotBeReadLeavesTheOldInForce) {
    TestServer server(core_, {{"tls_check_interval", "86400000"}}, listen());
    std::filesystem::rename(files_.key("server"), files_.path("away"));
    expect_in("cannot use key file \"" + files_.key("server") + "\"", server.reload());
    EXPECT_EQ(ask(server, "client"), "");
    std::filesystem::rename(files_.path("away"), files_.key("server"));
    EXPECT_EQ(server.reload(), "");
}

TEST_F(TlsPolicyTest, SeesChangedFilesByItself) {
    TestServer server(core_, kLookOften, listen());
    Dial where = dial(server, "client");
    where.allowed_common_names = "the new server";
    expect_in("server certificate authentication failed", ask(server, where));
    TestDialer before(server, dial(server, "client"));
    EXPECT_EQ(before.ask(kEcho, "x").end->code, 0);
    files_.add("server", {"the new server"});
    EXPECT_TRUE(server.host().comes_to_log("read changed TLS files"));
    EXPECT_EQ(ask(server, where), "");
    EXPECT_EQ(before.ask(kEcho, "x").end->code, 0);
}

TEST_F(TlsPolicyTest, SaysOnceThatChangedFilesAreOfNoUse) {
    TestServer server(core_, kLookOften, listen());
    std::filesystem::copy_file(files_.key("client"), files_.path("new"));
    std::filesystem::rename(files_.path("new"), files_.key("server"));
    EXPECT_TRUE(server.host().comes_to_log(
        "changed TLS files can't be used; those read before stay in force"));
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(ask(server, "client"), "");
    }
    EXPECT_EQ(server.host().count("changed TLS files can't be used"), 1U);
    // The right pair again.
    files_.add("server", {"the server"});
    EXPECT_TRUE(server.host().comes_to_log("read changed TLS files"));
    EXPECT_EQ(ask(server, "client"), "");
}

TEST_F(TlsPolicyTest, CallsUseTheNewCertificate) {
    TestServer server(core_, kLookOften, listen());
    Dial where = dial(server, "client");
    TestDialer client(server, where);
    EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
    files_.add("client", {"the new client"});
    EXPECT_TRUE(server.host().comes_to_log(files_.cert("client")));
    TestDialer again(server, where);
    EXPECT_EQ(again.ask(kEcho, "x").end->code, 0);
    EXPECT_EQ(core_.call(1).tls_common_name, "the new client");
}

// --- floods --------------------------------------------------------------------------------------

TEST_F(TlsPolicyTest, OldHandshakesMakeRoomForNewOnes) {
    TestServer server(core_, {{"max_handshakes", "3"}}, listen());
    std::deque<RawClient> silent;
    for (int i = 0; i < 10; ++i) {
        silent.emplace_back(server.port());
    }
    for (int i = 0; i < 7; ++i) {
        EXPECT_EQ(silent[static_cast<size_t>(i)].read_to_end(), "");
    }
    EXPECT_EQ(ask(server, "client"), "");
    EXPECT_TRUE(server.host().logged("made room for newer connections"));
}

TEST_F(TlsPolicyTest, SilentConnectionsMakeRoomForThoseThatAsk) {
    Listen where;
    TestServer server(core_, {{"max_connections", "3"}}, where);
    std::deque<RawClient> silent;
    for (int i = 0; i < 10; ++i) {
        silent.emplace_back(server.port());
    }
    Dial plain;
    plain.port = server.port();
    EXPECT_EQ(ask(server, plain), "");
}

// --- sockets in the file system ------------------------------------------------------------------

TEST_F(TlsPolicyTest, ServesSocketsInTheFileSystem) {
    const std::string path = files_.path("socket");
    Listen where;
    where.host = "unix:" + path;
    {
        TestServer server(core_, {}, where);
        Dial plain;
        plain.host = "unix:" + path;
        EXPECT_EQ(ask(server, plain), "");
        EXPECT_EQ(core_.call(0).peer, "@");
        expect_in("Address already in use", TestServer::refused(core_, where));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
    where.cert_file = files_.cert("server");
    where.key_file = files_.key("server");
    TestServer secure(core_, {}, where);
    Dial with_tls = dial(secure, "client");
    with_tls.host = "unix:" + path;
    EXPECT_EQ(ask(secure, with_tls), "");
    where.host = "unix:" + std::string(200, 'x');
    expect_in("the path of a socket has 1 to 107 characters", TestServer::refused(core_, where));
}

TEST_F(TlsPolicyTest, TakesAnAbandonedSocketOver) {
    const std::string path = files_.path("socket");
    Listen where;
    where.host = "unix:" + path;
    {
        TestServer server(core_, {}, where);
        std::filesystem::create_hard_link(path, files_.path("kept"));
    }
    std::filesystem::rename(files_.path("kept"), path);  // as after a crash
    TestServer again(core_, {}, where);
    Dial plain;
    plain.host = "unix:" + path;
    EXPECT_EQ(ask(again, plain), "");
}

}  // namespace
}  // namespace quorate::http::testing
