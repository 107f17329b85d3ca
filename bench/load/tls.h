// SPDX-License-Identifier: Apache-2.0
//
// TLS to an https:// endpoint, on OpenSSL: what is read from the files once (TlsContext), and one
// connection's part of it (Tls). One thread per Tls.
#pragma once

#include "base/status.h"

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

namespace quorate::load {

struct TlsFiles {
    std::string ca_file;
    std::string cert_file;  // may be empty
    std::string key_file;
};

class TlsContext {
  public:
    static Result<std::shared_ptr<const TlsContext>> open(const TlsFiles& files);
    SSL_CTX* get() const { return context_.get(); }

  private:
    struct Free {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    };
    std::unique_ptr<SSL_CTX, Free> context_;
};

class Tls {
  public:
    // Shakes hands over a connected, blocking socket; the server's certificate must be for `host`.
    static Result<std::unique_ptr<Tls>> open(const TlsContext& context, int fd,
                                             const std::string& host);

    // As read(2) and send(2) do on a non-blocking socket.
    ssize_t read(void* into, size_t size);
    ssize_t send(const void* data, size_t size);

  private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    explicit Tls(SSL* ssl) : ssl_(ssl) {}
    ssize_t result(int count);

    std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace quorate::load
