// SPDX-License-Identifier: Apache-2.0
//
// TLS: the handshake, ALPN, client certificates, and both protocols on top.
#include "transport/http/test_certificates.h"
#include "transport/http/test_client.h"
#include "transport/http/test_core.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <memory>
#include <string>

namespace quorate::http::testing {
namespace {

// A blocking TLS client over a RawClient's socket.
class TlsClient {
  public:
    TlsClient(uint16_t port, const TestCertificates& files, bool with_certificate,
              std::string_view alpn)
        : raw_(port), context_(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_load_verify_locations(context_.get(), files.cert("ca").c_str(), nullptr);
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
        if (with_certificate) {
            SSL_CTX_use_certificate_chain_file(context_.get(), files.cert("client").c_str());
            SSL_CTX_use_PrivateKey_file(context_.get(), files.key("client").c_str(),
                                        SSL_FILETYPE_PEM);
        }
        SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                                static_cast<unsigned int>(alpn.size()));
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_fd(ssl_.get(), raw_.fd());
        connected_ = SSL_connect(ssl_.get()) == 1;
    }

    bool connected() const { return connected_; }
    std::string protocol() const {
        const unsigned char* name = nullptr;
        unsigned int size = 0;
        SSL_get0_alpn_selected(ssl_.get(), &name, &size);
        return {reinterpret_cast<const char*>(name), size};
    }
    void send(std::string_view bytes) {
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    }
    std::string read_to_end() {
        std::string all;
        std::array<char, 65536> buffer;
        int count = 0;
        while ((count = SSL_read(ssl_.get(), buffer.data(), buffer.size())) > 0) {
            all.append(buffer.data(), static_cast<size_t>(count));
        }
        return all;
    }
    std::string read_until(std::string_view text) {
        std::string all;
        char c = 0;
        while (all.find(text) == std::string::npos && SSL_read(ssl_.get(), &c, 1) == 1) {
            all += c;
        }
        return all;
    }

  private:
    RawClient raw_;
    std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>> context_;
    std::unique_ptr<SSL, FreeBy<SSL_free>> ssl_;
    bool connected_ = false;
};

constexpr std::string_view kHttp1 = "\x08http/1.1";
constexpr std::string_view kHttp2 = "\x02h2\x08http/1.1";

class Tls : public ::testing::Test {
  protected:
    Listen listen(bool verify_clients) const {
        Listen where;
        where.cert_file = files_.cert("server");
        where.key_file = files_.key("server");
        where.client_ca_file = verify_clients ? files_.cert("ca") : "";
        return where;
    }

    const TestCertificates files_;
    TestCore core_;
};

TEST_F(Tls, ServesHttp1WithLargeBodiesBothWays) {
    const std::string large(1500000, 'x');
    core_.at("/echo").on_half_close = [](TestCall& call) { call.reply(call.messages.at(0)); };
    TestServer server(core_, {}, listen(false));
    TlsClient client(server.port(), files_, false, kHttp1);
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.protocol(), "http/1.1");
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
                std::to_string(large.size()) + "\r\n\r\n" + large);
    const std::string all = client.read_to_end();
    EXPECT_EQ(all.substr(all.find("\r\n\r\n") + 4), large);
    EXPECT_EQ(core_.call(0).tls_common_name, "");
}

TEST_F(Tls, NegotiatesHttp2) {
    core_.at("/test.Test/Echo").on_message = [](TestCall& call, std::string_view text) {
        call.reply(text);
    };
    TestServer server(core_, {}, listen(false));
    TlsClient client(server.port(), files_, false, kHttp2);
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.protocol(), "h2");
    client.send(hello() +
                frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, grpc_block("/test.Test/Echo")) +
                frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, message("over TLS")));
    EXPECT_NE(client.read_until("over TLS").find("over TLS"), std::string::npos);
}

TEST_F(Tls, GivesTheVerifiedClientsName) {
    core_.at("/who").on_half_close = [](TestCall& call) { call.reply(call.tls_common_name); };
    TestServer server(core_, {}, listen(true));
    TlsClient client(server.port(), files_, true, kHttp1);
    ASSERT_TRUE(client.connected());
    client.send("GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_NE(client.read_to_end().find("\r\n\r\nthe client"), std::string::npos);
}

TEST_F(Tls, RefusesClientsWithoutACertificate) {
    TestServer server(core_, {}, listen(true));
    TlsClient client(server.port(), files_, false, kHttp1);
    // With TLS 1.3 the client learns of it when it reads.
    client.send("GET /who HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(server.host().comes_to_log("rejected connection"));
    EXPECT_EQ(core_.call_count(), 0U);
}

TEST_F(Tls, RefusesPlainTextAndSlowHandshakes) {
    TestServer server(core_, {}, listen(false));
    RawClient plain(server.port());
    plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(plain.read_to_end().find("HTTP"), std::string::npos);
    server.host().freeze();
    RawClient silent(server.port());
    TlsClient known(server.port(), files_, false, kHttp1);
    ASSERT_TRUE(known.connected());
    server.host().advance(10000);
    known.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(silent.read_to_end(), "");
}

TEST_F(Tls, NamesTheFileThatIsWrong) {
    const auto refused = [&](const std::string& cert, const std::string& key,
                             const std::string& ca) {
        Listen where;
        where.cert_file = cert;
        where.key_file = key;
        where.client_ca_file = ca;
        return TestServer::refused(core_, where);
    };
    const std::string missing = files_.cert("missing");
    EXPECT_NE(refused(missing, files_.key("server"), "").find(missing), std::string::npos);
    EXPECT_NE(refused(files_.cert("server"), missing, "").find(missing), std::string::npos);
    EXPECT_EQ(refused(files_.cert("server"), files_.key("client"), ""),
              "cannot use key file \"" + files_.key("client") +
                  "\": it is not the key of certificate file \"" + files_.cert("server") + "\"");
    EXPECT_NE(refused(files_.cert("server"), files_.key("server"), missing).find(missing),
              std::string::npos);
}

}  // namespace
}  // namespace quorate::http::testing
