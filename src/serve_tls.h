// SPDX-License-Identifier: Apache-2.0
//
// What the options about TLS come to for the transport: one policy for everything that clients may
// call, whatever address they come to; one for the peer address; one for calls to other members.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "config/config.h"
#include "transport/transport.h"

#include <memory>
#include <string>
#include <vector>

namespace quorate {

class ServerTls {
  public:
    // As configured. Makes no certificates: auto-tls then has no files.
    explicit ServerTls(const config::Config& config);
    // Makes the certificates of auto-tls where there are none in `dir` yet.
    Status make_certificates(FileSystem& fs, const std::string& dir);

    // Whether anybody is served over TLS.
    bool has_listeners() const;
    std::unique_ptr<transport::Tls> for_clients() const;
    std::unique_ptr<transport::Tls> for_members() const;
    std::unique_ptr<transport::Tls> for_calls() const;

    // `error` with the options that the files it names were given by.
    Status with_options(const Status& error) const;
    // Reads all files without listening.
    Status check_files(transport::Transport& transport) const;

  private:
    bool serves_clients() const;
    std::unique_ptr<transport::Tls> tls_of(const config::TlsConfig& files) const;

    const config::UrlConfig urls_;
    config::SecurityConfig security_;  // with the files of auto-tls
};

}  // namespace quorate
