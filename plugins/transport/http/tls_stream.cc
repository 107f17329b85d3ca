// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/tls_stream.h"

#include "plugins/transport/http/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace quorate::http {
namespace {

// Plain bytes per SSL_write. Several records leave in one send.
constexpr size_t kWriteBytesMax = 64 * 1024;
constexpr size_t kKeptBytes = 1024;  // a handshake needs more once, small answers do not

// The peer's certificate must be for `name`, a host name or an address.
bool expect_name(SSL* ssl, const std::string& name) {
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1) {
        return true;
    }
    ERR_clear_error();
    // A name in the handshake is for names alone (RFC 6066 section 3).
    return X509_VERIFY_PARAM_set1_host(param, name.c_str(), name.size()) == 1 &&
           SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

}  // namespace

int TlsStream::bio_write(BIO* bio, const char* data, int size) {
    auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
    self->cipher_.append(data, static_cast<size_t>(size));
    return size;
}

int TlsStream::bio_read(BIO* bio, char* into, int capacity) {
    auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const ssize_t got = ::recv(self->fd_, into, static_cast<size_t>(capacity), 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        BIO_set_retry_read(bio);
    }
    self->peer_closed_ = self->peer_closed_ || got == 0;
    return static_cast<int>(got);
}

long TlsStream::bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* TlsStream::bio_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "quorate");
    if (method != nullptr) {
        BIO_meth_set_write(method, &TlsStream::bio_write);
        BIO_meth_set_read(method, &TlsStream::bio_read);
        BIO_meth_set_ctrl(method, &TlsStream::bio_control);
    }
    return method;
}

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, int fd) noexcept
    : context_(std::move(context)), fd_(fd) {}

bool TlsStream::open(const std::string& host) {
    ssl_.reset(SSL_new(context_->get()));
    BIO* bio = ssl_ ? BIO_new(context_->bio_method()) : nullptr;
    if (bio == nullptr) {
        return false;
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
    if (!context_->is_client()) {
        SSL_set_accept_state(ssl_.get());
        return true;
    }
    SSL_set_connect_state(ssl_.get());
    return expect_name(ssl_.get(), host);
}

IoState TlsStream::fail(std::string text) {
    if (failure_.empty()) {
        failure_ = std::move(text);
    }
    return IoState::kFailed;
}

// The socket takes no more. An alert that says why may have come before it broke.
std::string TlsStream::last_words() {
    char ignored = 0;
    ERR_clear_error();
    const bool said = SSL_is_init_finished(ssl_.get()) != 0 &&
                      SSL_read(ssl_.get(), &ignored, 1) <= 0 && ERR_peek_error() != 0;
    return said ? take_tls_error() : "cannot write to the socket";
}

IoState TlsStream::send_cipher() {
    while (has_unsent()) {
        const ssize_t count =
            ::send(fd_, cipher_.data() + sent_, cipher_.size() - sent_, MSG_NOSIGNAL);
        if (count < 0) {
            const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
            return later ? IoState::kWouldBlock : fail(last_words());
        }
        sent_ += static_cast<size_t>(count);
    }
    if (cipher_.capacity() > kKeptBytes) {
        cipher_ = std::string();
    }
    cipher_.clear();
    sent_ = 0;
    return IoState::kOk;
}

IoState TlsStream::handshake() {
    if (SSL_is_init_finished(ssl_.get()) != 0) {
        return send_cipher();
    }
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    const int error = SSL_get_error(ssl_.get(), result);
    // An alert that says why the handshake failed leaves as well.
    const IoState sent = send_cipher();
    if (result == 1) {
        read_common_name();
        return speaks_http2() ? sent : fail("the server does not offer HTTP/2 (ALPN)");
    }
    if (error == SSL_ERROR_WANT_READ) {
        return sent == IoState::kFailed ? sent : IoState::kWouldBlock;
    }
    return fail(handshake_failure());
}

std::string TlsStream::handshake_failure() const {
    if (!refusal_.empty()) {
        return refusal_;
    }
    const long verified = SSL_get_verify_result(ssl_.get());
    // "EOF" is what etcd logs of such a client.
    std::string text = !peer_closed_                    ? take_tls_error()
                       : SSL_is_server(ssl_.get()) == 1 ? "EOF"
                                                        : "closed in the TLS handshake; the "
                                                          "address may take plain text alone";
    return verified == X509_V_OK ? text : text + ": " + X509_verify_cert_error_string(verified);
}

int TlsStream::verify(X509_STORE_CTX* store, void* policy) {
    if (X509_verify_cert(store) != 1) {
        return 0;
    }
    TlsPolicy::Refusal refusal =
        static_cast<const TlsPolicy*>(policy)->judge(X509_STORE_CTX_get0_chain(store));
    if (refusal.error == X509_V_OK) {
        return 1;
    }
    const void* ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    static_cast<TlsStream*>(SSL_get_app_data(static_cast<const SSL*>(ssl)))->refusal_ =
        std::move(refusal.text);
    X509_STORE_CTX_set_error(store, refusal.error);
    return 0;
}

AddressCheck TlsStream::check_address(const std::string& address) const {
    const X509Owner certificate(SSL_get1_peer_certificate(ssl_.get()));
    return certificate ? http::check_address(certificate.get(), address) : AddressCheck{};
}

// A client asks for HTTP/2; a server leaves it to the client.
bool TlsStream::speaks_http2() const {
    const unsigned char* protocol = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
    return SSL_is_server(ssl_.get()) != 0 ||
           std::string_view(reinterpret_cast<const char*>(protocol), size) == "h2";
}

void TlsStream::read_common_name() {
    const X509Owner certificate(SSL_get1_peer_certificate(ssl_.get()));
    if (certificate && SSL_get_verify_result(ssl_.get()) == X509_V_OK) {
        common_name_ = common_name_of(certificate.get());
    }
}

IoResult TlsStream::read(char* into, size_t capacity) {
    size_t filled = 0;
    // OpenSSL hands out one record at a time. What it holds beyond that the socket knows nothing
    // of: only "want read" means that there is nothing more without the socket.
    has_unread_ = true;
    while (filled < capacity) {
        ERR_clear_error();
        const auto room = static_cast<int>(std::min<size_t>(capacity - filled, INT32_MAX));
        const int got = SSL_read(ssl_.get(), into + filled, room);
        if (got > 0) {
            filled += static_cast<size_t>(got);
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), got);
        has_unread_ = error != SSL_ERROR_WANT_READ;
        if (filled > 0 || error == SSL_ERROR_WANT_READ) {
            break;
        }
        if (error == SSL_ERROR_ZERO_RETURN || peer_closed_) {
            return {IoState::kClosed, 0};
        }
        return {fail(take_tls_error()), 0};
    }
    // Key updates and the like are answered while reading.
    if (has_unsent() && send_cipher() == IoState::kFailed) {
        return {IoState::kFailed, 0};
    }
    return {filled > 0 ? IoState::kOk : IoState::kWouldBlock, filled};
}

IoResult TlsStream::write(std::string_view bytes) {
    size_t taken = 0;
    for (;;) {
        const IoState sent = send_cipher();
        if (sent != IoState::kOk) {
            return {sent, taken};
        }
        if (taken == bytes.size()) {
            return {IoState::kOk, taken};
        }
        ERR_clear_error();
        const auto step = static_cast<int>(std::min(bytes.size() - taken, kWriteBytesMax));
        const int written = SSL_write(ssl_.get(), bytes.data() + taken, step);
        if (written <= 0) {
            return {fail(take_tls_error()), taken};
        }
        taken += static_cast<size_t>(written);
    }
}

void TlsStream::shut_down() {
    if (failure_.empty() && SSL_is_init_finished(ssl_.get()) != 0) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        static_cast<void>(send_cipher());
    }
    ::shutdown(fd_, SHUT_WR);
}

}  // namespace quorate::http
