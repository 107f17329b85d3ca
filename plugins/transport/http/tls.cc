// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/tls.h"

#include "plugins/transport/http/tls_stream.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

namespace quorate::http {
namespace {

using plugin::Status;

constexpr int64_t kSecond_ns = 1'000'000'000;

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
    static constexpr unsigned char kOurs[] = "\x02h2\x08http/1.1";
    unsigned char* selected = nullptr;
    const int result =
        SSL_select_next_proto(&selected, out_size, kOurs, sizeof kOurs - 1, offered, offered_size);
    *out = selected;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// A key that needs a pass phrase is refused: the server would wait for somebody to type it.
int no_pass_phrase(char*, int, int, void*) {
    return -1;
}

// The suites of TLS 1.3 are not for choosing: they are all good.
bool is_of_tls13(const std::string& suite) {
    return suite.find("_WITH_") == std::string::npos;
}

// IANA's name for what Go calls otherwise.
std::string iana_name(const std::string& suite) {
    constexpr std::string_view kShort = "_CHACHA20_POLY1305";
    return suite.ends_with(kShort) ? suite + "_SHA256" : suite;
}

}  // namespace

Status TlsContext::create(const TlsSettings& settings) {
    ERR_clear_error();
    client_ = settings.client;
    context_.reset(SSL_CTX_new(client_ ? TLS_client_method() : TLS_server_method()));
    method_.reset(TlsStream::bio_method());
    if (!context_ || !method_) {
        return {QUORATE_INTERNAL, "cannot create a TLS context: " + take_tls_error()};
    }
    SSL_CTX* context = context_.get();
    SSL_CTX_set_default_passwd_cb(context, no_pass_phrase);
    const auto version_min =
        settings.version_min == 0 ? TLS1_2_VERSION : static_cast<int>(settings.version_min);
    SSL_CTX_set_min_proto_version(context, version_min);
    SSL_CTX_set_max_proto_version(context, static_cast<int>(settings.version_max));
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // Buffers of idle connections are given back.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Sessions are resumed from tickets; what the server would keep for each is not kept.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    static constexpr unsigned char kHttp2[] = "\x02h2";
    if (client_) {
        SSL_CTX_set_alpn_protos(context, kHttp2, sizeof kHttp2 - 1);
        return {};
    }
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
    return {};
}

Status TlsContext::use_cipher_suites(const TlsSettings& settings) {
    std::string list;
    for (const std::string& suite : settings.cipher_suites) {
        if (is_of_tls13(suite)) {
            continue;
        }
        const char* name = OPENSSL_cipher_name(iana_name(suite).c_str());
        const std::string one = name == nullptr ? "" : name;
        if (SSL_CTX_set_cipher_list(context_.get(), one.c_str()) != 1) {
            ERR_clear_error();
            return {QUORATE_INVALID_ARGUMENT, "cipher suite " + suite +
                                                  " is not offered: it is too weak for " +
                                                  OpenSSL_version(OPENSSL_VERSION_STRING)};
        }
        list += (list.empty() ? "" : ":") + one;
    }
    if (!list.empty()) {
        SSL_CTX_set_cipher_list(context_.get(), list.c_str());
    } else if (!settings.cipher_suites.empty()) {
        if (settings.version_max == TLS1_2_VERSION) {
            return {QUORATE_INVALID_ARGUMENT,
                    "no cipher suite is left for TLS 1.2: all that are given are of TLS 1.3"};
        }
        SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION);
    }
    return {};
}

Status TlsContext::use_certificate(const TlsSettings& settings) {
    if (settings.client && settings.cert_file.empty()) {
        return {};
    }
    SSL_CTX* context = context_.get();
    if (SSL_CTX_use_certificate_chain_file(context, settings.cert_file.c_str()) != 1) {
        return tls_file_error("certificate file", settings.cert_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context, settings.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        const unsigned long error = ERR_peek_error();
        const bool mismatch = ERR_GET_LIB(error) == ERR_LIB_X509 &&
                              (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH ||
                               ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH);
        return tls_file_error(
            "key file", settings.key_file,
            mismatch ? "it is not the key of certificate file \"" + settings.cert_file + "\""
                     : take_tls_error());
    }
    const ASN1_TIME* end = X509_get0_notAfter(SSL_CTX_get0_certificate(context));
    time_t now = std::time(nullptr);
    if (X509_cmp_time(end, &now) < 0) {
        return tls_file_error("certificate file", settings.cert_file,
                              "the certificate has expired on " + time_text(end));
    }
    return {};
}

Status TlsContext::load_authorities(const TlsSettings& settings) {
    SSL_CTX* context = context_.get();
    const std::string& file = settings.ca_file;
    if (!settings.verifies()) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return {};
    }
    if (settings.client && file.empty()) {
        SSL_CTX_set_default_verify_paths(context);
    } else if (SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1) {
        return tls_file_error("CA file", file);
    }
    if (!settings.client) {
        SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file.c_str()));
        static constexpr unsigned char kSessionId[] = "quorate";
        SSL_CTX_set_session_id_context(context, kSessionId, sizeof kSessionId - 1);
    }
    SSL_CTX_set_verify(context,
                       SSL_VERIFY_PEER | (settings.client ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT),
                       nullptr);
    return {};
}

Status TlsContext::load(const TlsSettings& settings) {
    Status loaded = create(settings);
    if (loaded.ok()) {
        loaded = use_cipher_suites(settings);
    }
    if (loaded.ok()) {
        loaded = use_certificate(settings);
    }
    if (loaded.ok()) {
        loaded = load_authorities(settings);
    }
    const bool restricts = !settings.crl_file.empty() || !settings.allowed_common_names.empty() ||
                           !settings.allowed_host_names.empty();
    if (!loaded.ok() || !restricts) {
        return loaded;
    }
    if (settings.ca_file.empty() || !settings.verifies()) {
        return {QUORATE_INVALID_ARGUMENT,
                "revoked certificates and allowed names need a CA file: without one the other "
                "side's certificate is not checked at all"};
    }
    loaded = policy_.load(settings);
    SSL_CTX_set_cert_verify_callback(context_.get(), TlsStream::verify, &policy_);
    return loaded;
}

FileStamp FileStamp::of(const std::string& file) {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) {
        return {};
    }
    return {true,
            found.st_dev,
            found.st_ino,
            found.st_size,
            found.st_mtim.tv_sec * kSecond_ns + found.st_mtim.tv_nsec,
            found.st_ctim.tv_sec * kSecond_ns + found.st_ctim.tv_nsec};
}

std::vector<FileStamp> TlsSource::stamps() const {
    std::vector<FileStamp> list;
    for (const std::string& file : settings_.files()) {
        list.push_back(FileStamp::of(file));
    }
    return list;
}

Status TlsSource::load() {
    // Looked at before they are read, so that a change meanwhile is not missed.
    loaded_ = stamps();
    seen_ = loaded_;
    auto context = std::make_shared<TlsContext>();
    Status read = context->load(settings_);
    if (read.ok()) {
        const std::lock_guard lock(mutex_);
        context_ = std::move(context);
    }
    return read;
}

bool TlsSource::must_load() {
    std::vector<FileStamp> now = stamps();
    const bool settled = now == seen_;
    seen_ = std::move(now);
    return settled && seen_ != loaded_;
}

std::shared_ptr<const TlsContext> TlsSource::context() const {
    const std::lock_guard lock(mutex_);
    return context_;
}

std::unique_ptr<ByteStream> TlsSource::open(int fd, const std::string& host) const {
    auto stream = std::make_unique<TlsStream>(context(), fd);
    return stream->open(host) ? std::move(stream) : nullptr;
}

}  // namespace quorate::http
