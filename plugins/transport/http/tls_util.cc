// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/tls_util.h"

#include <openssl/err.h>

#include <system_error>

namespace quorate::http {
namespace {

using plugin::Status;

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

bool is_about_our_certificate(int alert) {
    switch (alert) {
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_ACCESS_DENIED:
            return true;
        default:
            return false;
    }
}

// What the other side told us with an alert.
std::string alert_text(int alert, std::string_view reason) {
    constexpr std::string_view kMark = "alert ";
    const size_t mark = reason.find(kMark);
    std::string text = "remote error: tls: ";
    text += mark == std::string_view::npos ? reason : reason.substr(mark + kMark.size());
    if (is_about_our_certificate(alert)) {
        text += " (the other side does not accept this side's certificate)";
    }
    return text;
}

}  // namespace

std::string take_tls_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) {
        return "unknown TLS error";
    }
    if (ERR_SYSTEM_ERROR(code)) {
        return std::system_category().message(ERR_GET_REASON(code));
    }
    const char* known = ERR_reason_error_string(code);
    const std::string reason = known != nullptr ? known : "TLS error " + std::to_string(code);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
        const int number = ERR_GET_REASON(code);
        if (number == SSL_R_HTTP_REQUEST || number == SSL_R_WRONG_VERSION_NUMBER) {
            return "first record does not look like a TLS handshake";
        }
        if (number > SSL_AD_REASON_OFFSET) {
            return alert_text(number - SSL_AD_REASON_OFFSET, reason);
        }
    }
    return reason;
}

Status tls_file_error(std::string_view what, const std::string& file, std::string_view reason) {
    return {QUORATE_INVALID_ARGUMENT,
            "cannot use " + std::string(what) + " \"" + file +
                "\": " + (reason.empty() ? take_tls_error() : std::string(reason))};
}

std::string name_text(const X509_NAME* name) {
    const BioOwner bio(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    return text_of(bio.get());
}

std::string time_text(const ASN1_TIME* time) {
    const BioOwner bio(BIO_new(BIO_s_mem()));
    ASN1_TIME_print(bio.get(), time);
    return text_of(bio.get());
}

std::string common_name_of(const X509* certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (place < 0) {
        return {};
    }
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
    std::string name;
    if (size > 0) {
        name.assign(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
    }
    OPENSSL_free(text);
    return name;
}

}  // namespace quorate::http
