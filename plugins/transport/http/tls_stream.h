// SPDX-License-Identifier: Apache-2.0
//
// TlsStream: TLS between a socket and the session. OpenSSL writes its records into a buffer, which
// then leaves in one send; it reads through the socket directly. One thread.
#pragma once

#include "plugins/transport/http/byte_stream.h"
#include "plugins/transport/http/tls_policy.h"
#include "plugins/transport/http/tls_util.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::http {

class TlsContext;

class TlsStream final : public ByteStream {
  public:
    // `context` stays as it is for this connection, whatever is loaded meanwhile. A client's
    // `host` is what the server's certificate must be for.
    TlsStream(std::shared_ptr<const TlsContext> context, int fd) noexcept;
    // False when memory is out or the name can't be used.
    bool open(const std::string& host);

    IoState handshake() override;
    IoResult read(char* into, size_t capacity) override;
    IoResult write(std::string_view bytes) override;
    bool has_unread() const override { return has_unread_; }
    bool has_unsent() const override { return sent_ < cipher_.size(); }
    void shut_down() override;
    std::string_view common_name() const override { return common_name_; }
    std::string_view failure() const override { return failure_; }
    AddressCheck check_address(const std::string& address) const override;

    static BIO_METHOD* bio_method();
    // What SSL_CTX_set_cert_verify_callback wants; its argument is the context's policy.
    static int verify(X509_STORE_CTX* store, void* policy);

  private:
    static int bio_write(BIO* bio, const char* data, int size);
    static int bio_read(BIO* bio, char* into, int capacity);
    static long bio_control(BIO* bio, int command, long, void*);

    IoState send_cipher();
    IoState fail(std::string text);
    std::string last_words();
    void read_common_name();
    std::string handshake_failure() const;
    bool speaks_http2() const;

    const std::shared_ptr<const TlsContext> context_;
    SslOwner ssl_;
    const int fd_;
    std::string cipher_;
    size_t sent_ = 0;
    bool peer_closed_ = false;
    bool has_unread_ = false;
    std::string common_name_;
    std::string refusal_;  // why the policy does not take the peer's certificate
    std::string failure_;
};

}  // namespace quorate::http
