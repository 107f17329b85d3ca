// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/tls_policy.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace quorate::http {
namespace {

using plugin::Status;

std::string quoted(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& entry : list) {
        text += (text.empty() ? "\"" : " \"") + entry + "\"";
    }
    return text;
}

std::vector<X509Owner> read_certificates(const std::string& file) {
    std::vector<X509Owner> list;
    const BioOwner bio(BIO_new_file(file.c_str(), "r"));
    while (bio) {
        X509Owner certificate(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
        if (!certificate) {
            break;
        }
        list.push_back(std::move(certificate));
    }
    ERR_clear_error();
    return list;
}

// All lists of a PEM file, or the one of a DER file.
std::vector<CrlOwner> read_crls(BIO* bio) {
    std::vector<CrlOwner> list;
    while (CrlOwner crl{PEM_read_bio_X509_CRL(bio, nullptr, nullptr, nullptr)}) {
        list.push_back(std::move(crl));
    }
    // The end of a PEM file is "no start line"; anything else is damage, and so is no list at all.
    const unsigned long error = ERR_peek_last_error();
    const bool at_end =
        ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (!at_end) {
        list.clear();
    } else if (list.empty() && BIO_reset(bio) == 0) {
        ERR_clear_error();
        if (CrlOwner crl{d2i_X509_CRL_bio(bio, nullptr)}) {
            list.push_back(std::move(crl));
        }
    }
    return list;
}

bool is_signed_by_one_of(X509_CRL* crl, const std::vector<X509Owner>& authorities) {
    const bool found = std::any_of(authorities.begin(), authorities.end(), [&](const auto& ca) {
        return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca.get())) == 0 &&
               X509_CRL_verify(crl, X509_get0_pubkey(ca.get())) == 1;
    });
    ERR_clear_error();
    return found;
}

bool is_for(X509* certificate, const std::string& name) {
    return X509_check_ip_asc(certificate, name.c_str(), 0) == 1 ||
           X509_check_host(certificate, name.c_str(), name.size(),
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
    inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size());
    return text.data();
}

struct Names {
    std::vector<std::string> addresses;
    std::vector<std::string> dns;
};

Names names_of(X509* certificate) {
    Names names;
    auto* list = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; list != nullptr && i < sk_GENERAL_NAME_num(list); ++i) {
        int type = 0;
        const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(list, i), &type);
        const auto* text = static_cast<const ASN1_STRING*>(value);
        if (type == GEN_DNS) {
            names.dns.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                   static_cast<size_t>(ASN1_STRING_length(text)));
        } else if (type == GEN_IPADD &&
                   (ASN1_STRING_length(text) == 4 || ASN1_STRING_length(text) == 16)) {
            names.addresses.push_back(address_text(text));
        }
    }
    GENERAL_NAMES_free(list);
    return names;
}

}  // namespace

Status TlsPolicy::load(const TlsSettings& settings) {
    who_ = settings.client ? "server" : "client";
    common_names_ = settings.allowed_common_names;
    host_names_ = settings.allowed_host_names;
    return settings.crl_file.empty() ? Status() : load_crls(settings);
}

Status TlsPolicy::load_crls(const TlsSettings& settings) {
    const std::string& file = settings.crl_file;
    ERR_clear_error();
    const BioOwner bio(BIO_new_file(file.c_str(), "r"));
    if (!bio) {
        return tls_file_error("CRL file", file);
    }
    crls_ = read_crls(bio.get());
    ERR_clear_error();
    if (crls_.empty()) {
        return tls_file_error("CRL file", file, "it holds no revocation list, in PEM or DER");
    }
    const std::vector<X509Owner> authorities = read_certificates(settings.ca_file);
    for (const CrlOwner& crl : crls_) {
        const std::string issuer = name_text(X509_CRL_get_issuer(crl.get()));
        if (!is_signed_by_one_of(crl.get(), authorities)) {
            return tls_file_error("CRL file", file,
                                  "its list by \"" + issuer +
                                      "\" is not signed by a certificate of CA file \"" +
                                      settings.ca_file + "\"; add that certificate there");
        }
        const ASN1_TIME* next = X509_CRL_get0_nextUpdate(crl.get());
        time_t now = std::time(nullptr);
        if (next != nullptr && X509_cmp_time(next, &now) < 0) {
            warning_ = "the list by \"" + issuer + "\" was to be replaced by " + time_text(next);
        }
    }
    return {};
}

TlsPolicy::Refusal TlsPolicy::judge(const STACK_OF(X509) * chain) const {
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        X509* certificate = sk_X509_value(chain, i);
        for (const CrlOwner& crl : crls_) {
            X509_REVOKED* entry = nullptr;
            if (X509_CRL_get0_by_cert(crl.get(), &entry, certificate) == 1) {
                return {X509_V_ERR_CERT_REVOKED, who_ + " certificate \"" +
                                                     name_text(X509_get_subject_name(certificate)) +
                                                     "\" is revoked"};
            }
        }
    }
    if (common_names_.empty() && host_names_.empty()) {
        return {};
    }
    const std::string failed = who_ + " certificate authentication failed: ";
    X509* own = sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : nullptr;
    const std::string common_name = own != nullptr ? common_name_of(own) : "";
    if (!common_names_.empty() &&
        std::find(common_names_.begin(), common_names_.end(), common_name) == common_names_.end()) {
        return {X509_V_ERR_CERT_REJECTED, failed + "its common name \"" + common_name +
                                              "\" is none of those allowed (" +
                                              quoted(common_names_) + ")"};
    }
    const auto matches = [own](const std::string& name) { return is_for(own, name); };
    if (!host_names_.empty() &&
        (own == nullptr || std::none_of(host_names_.begin(), host_names_.end(), matches))) {
        return {X509_V_ERR_CERT_REJECTED, failed + "the certificate of \"" + common_name +
                                              "\" is for none of the host names allowed (" +
                                              quoted(host_names_) + ")"};
    }
    return {};
}

AddressCheck check_address(X509* certificate, const std::string& address) {
    const Names names = names_of(certificate);
    if (names.addresses.empty() && names.dns.empty()) {
        return {};
    }
    if (X509_check_ip_asc(certificate, address.c_str(), 0) == 1) {
        return {};
    }
    if (names.dns.empty()) {
        return {AddressCheck::Result::kFailed,
                {},
                "the certificate is valid for " + quoted(names.addresses) + ", not \"" + address +
                    "\""};
    }
    return {AddressCheck::Result::kLookUp, names.dns, {}};
}

}  // namespace quorate::http
