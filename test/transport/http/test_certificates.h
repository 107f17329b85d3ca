// SPDX-License-Identifier: Apache-2.0
//
// TestCertificates: a directory with a CA and what it signs, made for one test.
#pragma once

#include "plugin/cxx/free_by.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

namespace quorate::http::testing {

using plugin::FreeBy;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;

struct CertificateOptions {
    std::string common_name;
    std::string names = "IP:127.0.0.1,DNS:localhost";  // subjectAltName; empty: none
    std::string ca = "ca";                             // who signs
    long valid_s = 3600;                               // from now; below 0: has expired
};

class TestCertificates {
  public:
    // With "ca", and signed by it "server" (the server) and "client" (the client).
    TestCertificates();
    ~TestCertificates();
    TestCertificates(const TestCertificates&) = delete;
    TestCertificates& operator=(const TestCertificates&) = delete;

    void add_ca(const std::string& name);
    // Writes, or replaces, the files of `name`.
    void add(const std::string& name, const CertificateOptions& options);

    // Replaces name.crl with the CA's list of these certificates.
    void add_crl(const std::string& name, const std::string& ca,
                 const std::vector<std::string>& revoked, long valid_s = 3600);

    std::string path(const std::string& file) const { return directory_ + "/" + file; }
    std::string cert(const std::string& name) const { return path(name + ".crt"); }
    std::string crl(const std::string& name) const { return path(name + ".crl"); }
    std::string key(const std::string& name) const { return path(name + ".key"); }

  private:
    Key make_key(const std::string& name) const;
    Certificate make(const std::string& name, const CertificateOptions& options, EVP_PKEY& own_key,
                     X509* issuer, EVP_PKEY& issuer_key);
    Key read_key(const std::string& name) const;
    Certificate read_cert(const std::string& name) const;

    std::string directory_;
    long last_serial_ = 0;
};

}  // namespace quorate::http::testing
