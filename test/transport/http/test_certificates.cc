// SPDX-License-Identifier: Apache-2.0
#include "transport/http/test_certificates.h"

#include <openssl/pem.h>

#include <cstdio>
#include <filesystem>

namespace quorate::http::testing {
namespace {

using File = std::unique_ptr<FILE, FreeBy<std::fclose>>;

void extend(X509* certificate, int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace

TestCertificates::TestCertificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "quorate-tls-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    add_ca("ca");
    add("server", {"the server"});
    add("client", {"the client"});
}

TestCertificates::~TestCertificates() {
    std::filesystem::remove_all(directory_);
}

void TestCertificates::add_ca(const std::string& name) {
    const Key key = make_key(name);
    make(name, {"test " + name, ""}, *key, nullptr, *key);
}

void TestCertificates::add(const std::string& name, const CertificateOptions& options) {
    const Key key = make_key(name);
    const Key ca_key = read_key(options.ca);
    const Certificate ca = read_cert(options.ca);
    make(name, options, *key, ca.get(), *ca_key);
}

void TestCertificates::add_crl(const std::string& name, const std::string& ca,
                               const std::vector<std::string>& revoked, long valid_s) {
    const Certificate issuer = read_cert(ca);
    const Key ca_key = read_key(ca);
    const std::unique_ptr<X509_CRL, FreeBy<X509_CRL_free>> list(X509_CRL_new());
    const std::unique_ptr<ASN1_TIME, FreeBy<ASN1_TIME_free>> time(X509_gmtime_adj(nullptr, -60));
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(issuer.get()));
    X509_CRL_set1_lastUpdate(list.get(), time.get());
    for (const std::string& one : revoked) {
        X509_REVOKED* entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(read_cert(one).get()));
        X509_REVOKED_set_revocationDate(entry, time.get());
        X509_CRL_add0_revoked(list.get(), entry);
    }
    X509_gmtime_adj(time.get(), valid_s);
    X509_CRL_set1_nextUpdate(list.get(), time.get());
    X509_CRL_sign(list.get(), ca_key.get(), EVP_sha256());
    const File file(std::fopen(crl(name).c_str(), "w"));
    PEM_write_X509_CRL(file.get(), list.get());
}

Key TestCertificates::make_key(const std::string& name) const {
    Key made(EVP_EC_gen("P-256"));
    const File file(std::fopen(key(name).c_str(), "w"));
    PEM_write_PrivateKey(file.get(), made.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return made;
}

Key TestCertificates::read_key(const std::string& name) const {
    const File file(std::fopen(key(name).c_str(), "r"));
    return Key(PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr));
}

Certificate TestCertificates::read_cert(const std::string& name) const {
    const File file(std::fopen(cert(name).c_str(), "r"));
    return Certificate(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
}

// Signed by `issuer`, or by itself where that is null.
Certificate TestCertificates::make(const std::string& name, const CertificateOptions& options,
                                   EVP_PKEY& own_key, X509* issuer, EVP_PKEY& issuer_key) {
    Certificate made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++last_serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), options.valid_s);
    X509_set_pubkey(made.get(), &own_key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(options.common_name.c_str()),
                               -1, -1, 0);
    X509* signer = issuer == nullptr ? made.get() : issuer;
    X509_set_issuer_name(made.get(), X509_get_subject_name(signer));
    if (issuer == nullptr) {
        extend(made.get(), NID_basic_constraints, "critical,CA:TRUE");
    }
    if (!options.names.empty()) {
        extend(made.get(), NID_subject_alt_name, options.names.c_str());
    }
    X509_sign(made.get(), &issuer_key, EVP_sha256());
    const File file(std::fopen(cert(name).c_str(), "w"));
    PEM_write_X509(file.get(), made.get());
    return made;
}

}  // namespace quorate::http::testing
