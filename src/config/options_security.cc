// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "config/cipher_suites.h"
#include "config/option_rows.h"

namespace quorate::config {

namespace {

Result<TlsVersion> to_tls_version(View text) {
    if (text == "TLS1.2") {
        return TlsVersion::kTls12;
    }
    if (text == "TLS1.3") {
        return TlsVersion::kTls13;
    }
    return Status(errors::kConfig, "must be TLS1.2 or TLS1.3");
}

Status set_tls_max(Draft& draft, View text) {
    if (text.empty()) {
        draft.config.security.tls_version_max = TlsVersion::kDefault;
        return {};
    }
    return keep(to_tls_version(text), draft.config.security.tls_version_max);
}

Status set_cipher_suites(Draft& draft, View text) {
    std::vector<std::string> suites = split_unique(text);
    for (const std::string& suite : suites) {
        if (!is_cipher_suite(suite)) {
            return {errors::kConfig, "unexpected TLS cipher suite " + in_quotes(suite) +
                                         "; known are " + cipher_suite_names()};
        }
    }
    draft.config.security.cipher_suites = std::move(suites);
    return {};
}

TlsConfig& client(Draft& draft) {
    return draft.config.security.client;
}
TlsConfig& peer(Draft& draft) {
    return draft.config.security.peer;
}

std::vector<Option> client_rows() {
    return {
        {"cert-file", "FILE", "", "Certificate shown to clients.",
         [](Draft& d, View v) { return keep_text(v, client(d).cert_file); }},
        {"key-file", "FILE", "", "Key of cert-file.",
         [](Draft& d, View v) { return keep_text(v, client(d).key_file); }},
        {"client-cert-file", "FILE", "",
         "Certificate for the server's own calls to its client port, when that asks for one.",
         [](Draft& d, View v) { return keep_text(v, client(d).client_cert_file); }},
        {"client-key-file", "FILE", "", "Key of client-cert-file.",
         [](Draft& d, View v) { return keep_text(v, client(d).client_key_file); }},
        {"client-cert-auth", "", "false", "Demand a certificate from clients.",
         [](Draft& d, View v) { return keep(to_bool(v), client(d).client_cert_auth); }},
        {"trusted-ca-file", "FILE", "", "Certificates that client certificates must be signed by.",
         [](Draft& d, View v) { return keep_text(v, client(d).trusted_ca_file); }},
        {"client-crl-file", "FILE", "", "Client certificates that are revoked.",
         [](Draft& d, View v) { return keep_text(v, client(d).crl_file); }},
        {"client-cert-allowed-cn", "NAMES", "", "Common names that client certificates may have.",
         [](Draft& d, View v) { return keep_list(v, client(d).allowed_common_names); }},
        {"client-cert-allowed-hostname", "NAMES", "", "Names that client certificates may have.",
         [](Draft& d, View v) { return keep_list(v, client(d).allowed_hostnames); }},
        {"auto-tls", "", "false", "Serve clients with a certificate made up at start.",
         [](Draft& d, View v) { return keep(to_bool(v), client(d).auto_tls); }},
    };
}

std::vector<Option> peer_rows() {
    return {
        {"peer-cert-file", "FILE", "", "Certificate shown to other members.",
         [](Draft& d, View v) { return keep_text(v, peer(d).cert_file); }},
        {"peer-key-file", "FILE", "", "Key of peer-cert-file.",
         [](Draft& d, View v) { return keep_text(v, peer(d).key_file); }},
        {"peer-client-cert-file", "FILE", "",
         "Certificate for calls to other members, when it is not peer-cert-file.",
         [](Draft& d, View v) { return keep_text(v, peer(d).client_cert_file); }},
        {"peer-client-key-file", "FILE", "", "Key of peer-client-cert-file.",
         [](Draft& d, View v) { return keep_text(v, peer(d).client_key_file); }},
        {"peer-client-cert-auth", "", "false", "Demand a certificate from other members.",
         [](Draft& d, View v) { return keep(to_bool(v), peer(d).client_cert_auth); }},
        {"peer-trusted-ca-file", "FILE", "",
         "Certificates that those of other members must be signed by.",
         [](Draft& d, View v) { return keep_text(v, peer(d).trusted_ca_file); }},
        {"peer-crl-file", "FILE", "", "Member certificates that are revoked.",
         [](Draft& d, View v) { return keep_text(v, peer(d).crl_file); }},
        {"peer-cert-allowed-cn", "NAMES", "", "Common names that member certificates may have.",
         [](Draft& d, View v) { return keep_list(v, peer(d).allowed_common_names); }},
        {"peer-cert-allowed-hostname", "NAMES", "", "Names that member certificates may have.",
         [](Draft& d, View v) { return keep_list(v, peer(d).allowed_hostnames); }},
        {"peer-skip-client-san-verification", "", "false",
         "Do not compare a member's address with its certificate.",
         [](Draft& d, View v) { return keep(to_bool(v), peer(d).skip_client_san_verification); }},
        {"peer-auto-tls", "", "false", "Talk to other members with a certificate made up at start.",
         [](Draft& d, View v) { return keep(to_bool(v), peer(d).auto_tls); }},
    };
}

std::vector<Option> shared_rows() {
    return {
        {"self-signed-cert-validity", "YEARS", "1", "Validity of certificates made up at start.",
         [](Draft& d, View v) {
             return keep(to_uint32(v, {1, 100}), d.config.security.self_signed_cert_validity_years);
         }},
        {"cipher-suites", "SUITES", "", "TLS 1.2 cipher suites to allow, by Go's names.",
         set_cipher_suites},
        {"tls-min-version", "VERSION", "TLS1.2", "Oldest TLS version: TLS1.2 or TLS1.3.",
         [](Draft& d, View v) {
             return keep(to_tls_version(v), d.config.security.tls_version_min);
         }},
        {"tls-max-version", "VERSION", "", "Newest TLS version: TLS1.2 or TLS1.3 (empty: newest).",
         set_tls_max},
        {"cors", "ORIGINS", "*", "Web origins that may read answers (* or empty: all).",
         [](Draft& d, View v) { return keep_list(v, d.config.http.cors); }},
        {"host-whitelist", "HOSTS", "*",
         "Host names accepted in HTTP requests without TLS (* or empty: all).",
         [](Draft& d, View v) { return keep_list(v, d.config.http.host_whitelist); }},
    };
}

}  // namespace

std::vector<Option> security_rows() {
    std::vector<Option> rows;
    for (const std::vector<Option>& part : {client_rows(), peer_rows(), shared_rows()}) {
        rows.insert(rows.end(), part.begin(), part.end());
    }
    for (Option& row : rows) {
        row.group = Group::kSecurity;
    }
    return rows;
}

}  // namespace quorate::config
