// SPDX-License-Identifier: Apache-2.0
#include "node/auto_tls.h"

#include "base/bytes.h"
#include "base/errors.h"
#include "base/log.h"
#include "plugin/cxx/free_by.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <optional>

namespace quorate::node {
namespace {

using plugin::FreeBy;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Number = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using Buffer = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION_free>>;

constexpr size_t kFileBytes_max = 64 * 1024;
constexpr long kYear_s = 365L * 24 * 3600;
constexpr int kSerialBits = 128;

bool is_address(const std::string& host) {
    in6_addr bytes;
    return inet_pton(AF_INET, host.c_str(), &bytes) == 1 ||
           inet_pton(AF_INET6, host.c_str(), &bytes) == 1;
}

std::string alternative_names(const std::vector<std::string>& hosts) {
    std::string text;
    for (const std::string& host : hosts) {
        if (!host.empty()) {
            text +=
                (text.empty() ? "" : ",") + std::string(is_address(host) ? "IP:" : "DNS:") + host;
        }
    }
    return text;
}

bool extend(X509* certificate, int kind, const std::string& value) {
    const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
    const Number serial(BN_new());
    return serial && BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// Null when OpenSSL fails.
Certificate make_certificate(const CertificateWish& wish, EVP_PKEY* key) {
    Certificate made(X509_new());
    X509* certificate = made.get();
    if (!made || X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) ||
        X509_set_pubkey(certificate, key) != 1) {
        return nullptr;
    }
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("etcd"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate),
                    static_cast<long>(wish.validity_years) * kYear_s);
    const std::string names = alternative_names(wish.hosts);
    const bool extended =
        extend(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
        extend(certificate, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
        extend(certificate, NID_ext_key_usage,
               wish.for_clients_too ? "serverAuth,clientAuth" : "serverAuth") &&
        (names.empty() || extend(certificate, NID_subject_alt_name, names));
    if (!extended || X509_sign(certificate, key, EVP_sha512()) == 0) {
        return nullptr;
    }
    return made;
}

Bytes content_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? Bytes(data, static_cast<size_t>(size)) : Bytes();
}

struct Made {
    Bytes cert;
    Bytes key;
};

std::optional<Made> make(const CertificateWish& wish) {
    ERR_clear_error();
    const Key key(EVP_EC_gen("P-521"));
    const Certificate certificate = key ? make_certificate(wish, key.get()) : nullptr;
    const Buffer cert_text(BIO_new(BIO_s_mem()));
    const Buffer key_text(BIO_new(BIO_s_mem()));
    if (!certificate || !cert_text || !key_text ||
        PEM_write_bio_X509(cert_text.get(), certificate.get()) != 1 ||
        PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                 nullptr) != 1) {
        return std::nullopt;
    }
    return Made{content_of(cert_text.get()), content_of(key_text.get())};
}

bool is_valid(const Bytes& pem) {
    const Buffer text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const Certificate certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    time_t now = std::time(nullptr);
    return certificate && X509_cmp_time(X509_get0_notAfter(certificate.get()), &now) > 0;
}

Result<bool> are_there(FileSystem& fs, const CertificateFiles& files) {
    for (const std::string* file : {&files.cert_file, &files.key_file}) {
        const Result<bool> exists = fs.exists(*file);
        if (!exists || !*exists) {
            return exists;
        }
    }
    const Result<Bytes> cert = read_whole_file(fs, files.cert_file, kFileBytes_max);
    if (!cert) {
        return cert.error();
    }
    return is_valid(*cert);
}

}  // namespace

Result<CertificateFiles> ensure_certificate(FileSystem& fs, const std::string& dir,
                                            const CertificateWish& wish) {
    CertificateFiles files{dir + "/cert.pem", dir + "/key.pem"};
    if (Status s = fs.create_dirs(dir); !s.ok()) {
        return s;
    }
    const Result<bool> there = are_there(fs, files);
    if (!there) {
        return there.error();
    }
    if (*there) {
        return files;
    }
    const std::optional<Made> made = make(wish);
    if (!made) {
        return Status(errors::kConfig, "auto-tls: the certificate can't be made: " +
                                           std::string(ERR_reason_error_string(ERR_get_error())));
    }
    // The key first: a certificate without its key would not be made again.
    Status written = write_file_atomically(fs, files.key_file, made->key);
    if (written.ok()) {
        written = write_file_atomically(fs, files.cert_file, made->cert);
    }
    if (!written.ok()) {
        return written;
    }
    log::info("created a self-signed certificate",
              {{"cert-file", files.cert_file}, {"key-file", files.key_file}});
    return files;
}

}  // namespace quorate::node
