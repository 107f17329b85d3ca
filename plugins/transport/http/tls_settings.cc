// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/tls_settings.h"

#include "plugin/cxx/barrier.h"

#include <algorithm>
#include <string_view>

namespace quorate::http {
namespace {

std::vector<std::string> lines(std::string_view text) {
    std::vector<std::string> list;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (!line.empty()) {
            list.emplace_back(line);
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return list;
}

TlsSettings from_abi(const quorate_tls& from) {
    TlsSettings settings;
    settings.cert_file = plugin::view(from.cert_file);
    settings.key_file = plugin::view(from.key_file);
    settings.ca_file = plugin::view(from.ca_file);
    settings.crl_file = plugin::view(from.crl_file);
    settings.allowed_common_names = lines(plugin::view(from.allowed_common_names));
    settings.allowed_host_names = lines(plugin::view(from.allowed_host_names));
    settings.cipher_suites = lines(plugin::view(from.cipher_suites));
    settings.version_min = from.version_min;
    settings.version_max = from.version_max;
    return settings;
}

}  // namespace

TlsSettings TlsSettings::of_listener(const quorate_tls& from) {
    TlsSettings settings = from_abi(from);
    settings.check_address = from.check_address != 0;
    return settings;
}

TlsSettings TlsSettings::of_client(const quorate_tls& from) {
    TlsSettings settings = from_abi(from);
    settings.client = true;
    settings.skip_verify = from.skip_verify != 0;
    return settings;
}

std::vector<std::string> TlsSettings::files() const {
    std::vector<std::string> list;
    for (const std::string* file : {&cert_file, &key_file, &ca_file, &crl_file}) {
        if (!file->empty()) {
            list.push_back(*file);
        }
    }
    return list;
}

}  // namespace quorate::http
