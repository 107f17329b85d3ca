// SPDX-License-Identifier: Apache-2.0
#include "serve_tls.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/url.h"
#include "node/auto_tls.h"
#include "transport/client.h"

#include <algorithm>
#include <set>
#include <utility>

namespace quorate {
namespace {

transport::TlsVersion version_of(config::TlsVersion version) {
    switch (version) {
        case config::TlsVersion::kDefault:
            return transport::TlsVersion::kDefault;
        case config::TlsVersion::kTls12:
            return transport::TlsVersion::kTls12;
        case config::TlsVersion::kTls13:
            return transport::TlsVersion::kTls13;
    }
    QUORATE_ASSERT(false);
}

bool has_tls(const std::vector<Url>& urls) {
    return std::any_of(urls.begin(), urls.end(), [](const Url& url) { return url.is_tls(); });
}

std::vector<std::string> hosts_of(const std::vector<Url>& urls) {
    std::set<std::string> hosts;
    for (const Url& url : urls) {
        hosts.insert(url.is_unix() ? "localhost" : url.host);
    }
    return {hosts.begin(), hosts.end()};
}

// The option, without prefix, that gave the file which the text names first; empty when none did.
// One file may be given for several.
std::string option_named_in(const std::string& text, const config::TlsConfig& tls, bool peer) {
    struct Given {
        const char* option;
        const char* called;
        const std::string& file;
    };
    const Given all[] = {
        {"key-file", "key file", tls.key_file},
        {"cert-file", "certificate file", tls.cert_file},
        {"client-key-file", "key file", tls.client_key_file},
        {"client-cert-file", "certificate file", tls.client_cert_file},
        {peer ? "crl-file" : "client-crl-file", "CRL file", tls.crl_file},
        {"trusted-ca-file", "CA file", tls.trusted_ca_file},
    };
    std::string found;
    size_t place = std::string::npos;
    for (const Given& given : all) {
        const size_t at = given.file.empty()
                              ? std::string::npos
                              : text.find(std::string(given.called) + " \"" + given.file + "\"");
        if (at < place) {
            place = at;
            found = given.option;
        }
    }
    return found;
}

}  // namespace

ServerTls::ServerTls(const config::Config& config)
    : urls_(config.urls), security_(config.security) {}

Status ServerTls::make_certificates(FileSystem& fs, const std::string& dir) {
    const uint32_t years = security_.self_signed_cert_validity_years;
    if (security_.client.auto_tls) {
        std::vector<Url> urls = urls_.listen_client;
        urls.insert(urls.end(), urls_.listen_client_http.begin(), urls_.listen_client_http.end());
        auto made = node::ensure_certificate(fs, dir + "/client", {hosts_of(urls), years, false});
        if (!made) {
            return made.error();
        }
        security_.client.cert_file = std::move(made->cert_file);
        security_.client.key_file = std::move(made->key_file);
    }
    if (security_.peer.auto_tls) {
        auto made =
            node::ensure_certificate(fs, dir + "/peer", {hosts_of(urls_.listen_peer), years, true});
        if (!made) {
            return made.error();
        }
        security_.peer.cert_file = std::move(made->cert_file);
        security_.peer.key_file = std::move(made->key_file);
    }
    return {};
}

std::unique_ptr<transport::Tls> ServerTls::tls_of(const config::TlsConfig& files) const {
    auto tls = std::make_unique<transport::Tls>();
    tls->cert_file = files.cert_file;
    tls->key_file = files.key_file;
    tls->ca_file = files.trusted_ca_file;
    tls->crl_file = files.crl_file;
    tls->allowed_common_names = files.allowed_common_names;
    tls->allowed_host_names = files.allowed_hostnames;
    tls->cipher_suites = security_.cipher_suites;
    tls->version_min = version_of(security_.tls_version_min);
    tls->version_max = version_of(security_.tls_version_max);
    return tls;
}

std::unique_ptr<transport::Tls> ServerTls::for_clients() const {
    return tls_of(security_.client);
}

std::unique_ptr<transport::Tls> ServerTls::for_members() const {
    auto tls = tls_of(security_.peer);
    tls->check_address = !tls->ca_file.empty() && !security_.peer.skip_client_san_verification;
    return tls;
}

std::unique_ptr<transport::Tls> ServerTls::for_calls() const {
    const config::TlsConfig& peer = security_.peer;
    auto tls = tls_of(peer);
    if (!peer.client_cert_file.empty()) {
        tls->cert_file = peer.client_cert_file;
        tls->key_file = peer.client_key_file;
    }
    tls->skip_verification = peer.auto_tls;
    return tls;
}

Status ServerTls::with_options(const Status& error) const {
    const std::string text = error.message();
    const std::string client = option_named_in(text, security_.client, false);
    const std::string peer = option_named_in(text, security_.peer, true);
    if (client.empty() && peer.empty()) {
        return error;
    }
    const std::string both = !client.empty() && !peer.empty() ? ", " : "";
    return {errors::kConfig, text + " (" + (client.empty() ? "" : "--" + client) + both +
                                 (peer.empty() ? "" : "--peer-" + peer) + ")"};
}

bool ServerTls::has_listeners() const {
    return serves_clients() || has_tls(urls_.listen_peer);
}

bool ServerTls::serves_clients() const {
    return has_tls(urls_.listen_client) || has_tls(urls_.listen_client_http) ||
           has_tls(urls_.listen_metrics);
}

Status ServerTls::check_files(transport::Transport& transport) const {
    const auto check = [&](std::unique_ptr<transport::Tls> tls) -> Status {
        if (transport.client() == nullptr || tls->cert_file.empty()) {
            return {};
        }
        transport::DialOptions nowhere;
        nowhere.host = "127.0.0.1";
        nowhere.port = 1;
        nowhere.tls = std::move(tls);
        const auto dialled = transport.client()->dial(nowhere);
        return dialled ? Status() : with_options(dialled.error());
    };
    Status s;
    if (serves_clients()) {
        s = check(for_clients());
        // What is for calls of our own alone must be in order as well.
        if (s.ok() && !security_.client.client_cert_file.empty()) {
            auto own = for_clients();
            own->cert_file = security_.client.client_cert_file;
            own->key_file = security_.client.client_key_file;
            s = check(std::move(own));
        }
    }
    if (s.ok() && has_tls(urls_.listen_peer)) {
        s = check(for_members());
    }
    if (s.ok() && has_tls(urls_.listen_peer)) {
        s = check(for_calls());
    }
    return s;
}

}  // namespace quorate
