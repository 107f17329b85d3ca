// SPDX-License-Identifier: Apache-2.0
#include "tls.h"

#include "base/errors.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace quorate::load {
namespace {

Status tls_error(std::string what) {
    const char* reason = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return {errors::kUnavailable, std::move(what) + ": " + (reason != nullptr ? reason : "failed")};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::open(const TlsFiles& files) {
    auto made = std::make_shared<TlsContext>();
    made->context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* context = made->context_.get();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    static constexpr unsigned char kHttp2[] = "\x02h2";
    SSL_CTX_set_alpn_protos(context, kHttp2, sizeof kHttp2 - 1);
    if (SSL_CTX_load_verify_locations(context, files.ca_file.c_str(), nullptr) != 1) {
        return tls_error("--cacert \"" + files.ca_file + "\"");
    }
    if (!files.cert_file.empty() &&
        (SSL_CTX_use_certificate_chain_file(context, files.cert_file.c_str()) != 1 ||
         SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM) != 1)) {
        return tls_error("--cert \"" + files.cert_file + "\" and --key \"" + files.key_file + "\"");
    }
    return std::shared_ptr<const TlsContext>(std::move(made));
}

Result<std::unique_ptr<Tls>> Tls::open(const TlsContext& context, int fd, const std::string& host) {
    std::unique_ptr<Tls> tls(new Tls(SSL_new(context.get())));
    SSL* ssl = tls->ssl_.get();
    SSL_set_fd(ssl, fd);
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) != 1) {
        ERR_clear_error();
        X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size());
    }
    if (SSL_connect(ssl) != 1) {
        return tls_error("TLS handshake with " + host);
    }
    return tls;
}

ssize_t Tls::result(int count) {
    if (count > 0) {
        return count;
    }
    const int error = SSL_get_error(ssl_.get(), count);
    if (error == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t Tls::read(void* into, size_t size) {
    ERR_clear_error();
    return result(SSL_read(ssl_.get(), into, static_cast<int>(std::min<size_t>(size, INT_MAX))));
}

ssize_t Tls::send(const void* data, size_t size) {
    ERR_clear_error();
    return result(SSL_write(ssl_.get(), data, static_cast<int>(std::min<size_t>(size, INT_MAX))));
}

}  // namespace quorate::load
