// SPDX-License-Identifier: Apache-2.0
//
// TlsPolicy: what a peer's certificate must be, besides being signed by someone we trust: not
// revoked, and for one of the names that are allowed. Immutable after load(), any thread.
#pragma once

#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/address_check.h"
#include "plugins/transport/http/tls_settings.h"
#include "plugins/transport/http/tls_util.h"

#include <string>
#include <vector>

namespace quorate::http {

class TlsPolicy {
  public:
    // Reads the revocation lists. Each must be signed by a certificate of the CA file: one of
    // another issuer would silently revoke nothing.
    plugin::Status load(const TlsSettings& settings);

    struct Refusal {
        int error = X509_V_OK;  // X509_V_ERR_, which decides the alert that the peer gets
        std::string text;
    };
    // `chain`: from the peer's own certificate to that of the one we trust.
    Refusal judge(const STACK_OF(X509) * chain) const;
    // Of a list that is out of date, which is used all the same; else empty.
    const std::string& warning() const { return warning_; }

  private:
    plugin::Status load_crls(const TlsSettings& settings);

    std::vector<CrlOwner> crls_;
    std::vector<std::string> common_names_;
    std::vector<std::string> host_names_;
    std::string warning_;
    std::string who_;  // "client" or "server", for texts
};

// Of a peer's own certificate.
AddressCheck check_address(X509* certificate, const std::string& address);

}  // namespace quorate::http
