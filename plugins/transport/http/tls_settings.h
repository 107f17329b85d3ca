// SPDX-License-Identifier: Apache-2.0
//
// TlsSettings: what the core says about the TLS of one listener or of calls, in values of our own.
// What is equal here may share certificates in memory. Immutable, any thread.
#pragma once

#include "plugin/abi/transport.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::http {

struct TlsSettings {
    bool client = false;
    std::string cert_file;
    std::string key_file;
    std::string ca_file;  // a listener's: not empty, client certificates are verified and required
    std::string crl_file;
    std::vector<std::string> allowed_common_names;
    std::vector<std::string> allowed_host_names;
    std::vector<std::string> cipher_suites;  // IANA's names
    uint32_t version_min = 0;                // QUORATE_TLS_
    uint32_t version_max = 0;
    bool skip_verify = false;
    bool check_address = false;

    static TlsSettings of_listener(const quorate_tls& from);
    static TlsSettings of_client(const quorate_tls& from);

    // The other side must show a certificate that we can check.
    bool verifies() const { return client ? !skip_verify : !ca_file.empty(); }
    std::vector<std::string> files() const;

    friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

}  // namespace quorate::http
