// SPDX-License-Identifier: Apache-2.0
//
// Calls that we make over TLS: mutual authentication, and what is said when it fails.
#include "transport/http/black_hole.h"
#include "transport/http/test_certificates.h"
#include "transport/http/test_core.h"
#include "transport/http/test_dialer.h"

#include <gtest/gtest.h>

#include <string>

namespace quorate::http::testing {
namespace {

constexpr const char* kEcho = "/test.Test/Echo";

class ClientTls : public ::testing::Test {
  protected:
    ClientTls() {
        core_.at(kEcho).on_message = [](TestCall& call, std::string_view text) {
            call.reply(text);
        };
    }

    Listen listen(bool mutual) const {
        Listen where;
        where.cert_file = files_.cert("server");
        where.key_file = files_.key("server");
        where.client_ca_file = mutual ? files_.cert("ca") : "";
        return where;
    }
    Dial dial(const TestServer& server, const std::string& certificate = {}) const {
        Dial where;
        where.port = server.port();
        where.tls = true;
        where.ca_file = files_.cert("ca");
        if (!certificate.empty()) {
            where.cert_file = files_.cert(certificate);
            where.key_file = files_.key(certificate);
        }
        return where;
    }
    // The text of a call that must not come through.
    std::string failure(TestServer& server, const Dial& where) {
        TestDialer client(server, where);
        TestRequest& request = client.ask(kEcho, "x");
        EXPECT_EQ(request.end->code, QUORATE_UNAVAILABLE);
        return request.end->text;
    }

    TestCertificates files_;
    TestCore core_;
};

TEST_F(ClientTls, AuthenticatesBothSides) {
    TestServer server(core_, {}, listen(true));
    TestDialer client(server, dial(server, "client"));
    TestRequest& request = client.ask(kEcho, std::string(1'000'000, 'x'));
    ASSERT_EQ(request.end->code, 0) << request.end->text;
    EXPECT_EQ(request.messages.at(0).size(), 1'000'000U);
    EXPECT_EQ(core_.call(0).tls_common_name, "the client");
}

TEST_F(ClientTls, SaysWhatIsWrongWithTheServersCertificate) {
    TestServer server(core_, {}, listen(false));
    files_.add_ca("other");
    Dial where = dial(server);
    where.ca_file = files_.cert("other");
    const std::string wrong_ca = failure(server, where);
    EXPECT_EQ(wrong_ca.rfind("cannot connect to 127.0.0.1:" + std::to_string(server.port()) +
                                 ": certificate verify failed: ",
                             0),
              0U)
        << wrong_ca;
    where = dial(server);
    where.server_name = "elsewhere.example";
    EXPECT_NE(failure(server, where).find("hostname mismatch"), std::string::npos);
    files_.add("server", {"no names", ""});
    TestServer nameless(core_, {}, listen(false));
    EXPECT_NE(failure(nameless, dial(nameless)).find("IP address mismatch"), std::string::npos);
    where = dial(nameless);
    where.skip_verify = 1;
    TestDialer client(nameless, where);
    EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
}

TEST_F(ClientTls, TakesTheNameThatItIsTold) {
    files_.add("server", {"by name", "DNS:member.example"});
    TestServer server(core_, {}, listen(false));
    Dial where = dial(server);
    where.server_name = "member.example";
    TestDialer client(server, where);
    EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
}

TEST_F(ClientTls, IsRefusedWithoutACertificate) {
    TestServer server(core_, {}, listen(true));
    const std::string text = failure(server, dial(server));
    EXPECT_NE(text.find("certificate required"), std::string::npos) << text;
}

TEST_F(ClientTls, PlainAndTlsDoNotMeet) {
    TestServer secure(core_, {}, listen(false));
    Dial plain;
    plain.port = secure.port();
    EXPECT_NE(failure(secure, plain).find("cannot connect to 127.0.0.1:"), std::string::npos);
    TestServer open(core_);
    EXPECT_NE(failure(open, dial(open)).find("closed in the TLS handshake"), std::string::npos);
}

TEST_F(ClientTls, GivesASilentServerUp) {
    BlackHole hole;
    TestServer server(core_);
    Dial where = dial(server);
    where.port = hole.port();
    where.connect_timeout_ms = 100;
    EXPECT_NE(failure(server, where).find("no TLS handshake within 100 ms"), std::string::npos);
}

TEST_F(ClientTls, NamesTheFileThatIsWrong) {
    TestServer server(core_);
    Dial where = dial(server, "client");
    where.ca_file = files_.path("missing");
    EXPECT_NE(TestDialer::refused(server, where).find(where.ca_file), std::string::npos);
    where = dial(server, "client");
    where.key_file = files_.key("server");
    EXPECT_NE(TestDialer::refused(server, where).find(where.key_file), std::string::npos);
    where.cert_file = files_.path("missing");
    EXPECT_NE(TestDialer::refused(server, where).find(where.cert_file), std::string::npos);
}

}  // namespace
}  // namespace quorate::http::testing
