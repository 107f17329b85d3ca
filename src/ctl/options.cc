// SPDX-License-Identifier: Apache-2.0
#include "ctl/options.h"

#include "base/errors.h"
#include "ctl/discovery.h"
#include "ctl/endpoint.h"
#include "ctl/password.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace quorate::ctl {
namespace {

constexpr FlagSpec kSpecs[] = {
    {"endpoints", FlagKind::kText, "127.0.0.1:2379", "comma separated list of members to talk to"},
    {"debug", FlagKind::kSwitch, "false", "tell on standard error with which settings it runs"},
    {"write-out", FlagKind::kText, "simple",
     "set the output format (fields, json, protobuf, simple, table)", 'w',
     "fields json protobuf simple table"},
    {"hex", FlagKind::kSwitch, "false", "print byte strings as hex encoded strings"},
    {"dial-timeout", FlagKind::kDuration, "2s", "dial timeout for client connections"},
    {"command-timeout", FlagKind::kDuration, "5s",
     "timeout for short running command (excluding dial timeout)"},
    {"keepalive-time", FlagKind::kDuration, "2s", "keepalive time for client connections"},
    {"keepalive-timeout", FlagKind::kDuration, "6s", "keepalive timeout for client connections"},
    {"max-request-bytes", FlagKind::kInt, "0",
     "client-side request send limit in bytes (0: 2 MiB)"},
    {"max-recv-bytes", FlagKind::kInt, "0",
     "client-side response receive limit in bytes (0: 2 GiB)"},
    {"insecure-transport", FlagKind::kSwitch, "true",
     "disable transport security for client connections"},
    {"insecure-discovery", FlagKind::kSwitch, "true",
     "accept insecure SRV records describing cluster endpoints"},
    {"insecure-skip-tls-verify", FlagKind::kSwitch, "false",
     "skip server certificate verification (for tests only)"},
    {"cert", FlagKind::kText, "", "identify secure client using this TLS certificate file"},
    {"key", FlagKind::kText, "", "identify secure client using this TLS key file"},
    {"cacert", FlagKind::kText, "",
     "verify certificates of TLS-enabled secure servers using this CA bundle"},
    {"auth-jwt-token", FlagKind::kText, "",
     "JWT token used for authentication (instead of --user and --password)"},
    {"user", FlagKind::kText, "",
     "username[:password] for authentication (prompt if password is not supplied)"},
    {"password", FlagKind::kText, "",
     "password for authentication (--user must then not include one)"},
    {"discovery-srv", FlagKind::kText, "",
     "domain name to query for SRV records describing cluster endpoints", 'd'},
    {"discovery-srv-name", FlagKind::kText, "", "service name to query when using DNS discovery"},
    {"discovery-dns-server", FlagKind::kText, "",
     "address:port of the name server for --discovery-srv (default: the system's)"},
    {"plugin-dir", FlagKind::kText, "", "folder of the transport plugin (default: as the server)"},
};

constexpr uint64_t kSendDefault = 2 * 1024 * 1024;

std::string variable_of(std::string_view prefix, std::string_view flag) {
    std::string name(prefix);
    std::transform(flag.begin(), flag.end(), std::back_inserter(name), [](unsigned char c) {
        return c == '-' ? '_' : static_cast<char>(std::toupper(c));
    });
    return name;
}

Status set_from_environment(Flags& flags, std::string_view name) {
    for (const std::string_view prefix : {"QUORATECTL_", "ETCDCTL_"}) {
        const std::string variable = variable_of(prefix, name);
        const char* value = std::getenv(variable.c_str());
        if (value == nullptr || *value == '\0') {
            continue;
        }
        if (const Status s = flags.set(name, value); !s.ok()) {
            return {errors::kUsage, variable + ": " + std::string(s.detail())};
        }
        return {};
    }
    return {};
}

Status check_files(const Flags& flags) {
    for (const std::string_view name : {"cert", "key", "cacert"}) {
        if (flags.given(name) && flags.text(name).empty()) {
            return {errors::kUsage, "empty string is passed to --" + std::string(name) + " option"};
        }
    }
    if (flags.text("cert").empty() != flags.text("key").empty()) {
        return {errors::kUsage,
                "KeyFile and CertFile must both be present [key: " + flags.text("key") +
                    ", cert: " + flags.text("cert") + "]; give --cert and --key together"};
    }
    return {};
}

Result<std::vector<std::string>> endpoints_of(const Flags& flags) {
    if (!flags.text("discovery-srv").empty()) {
        auto found = discover_endpoints(
            {flags.text("discovery-srv"), flags.text("discovery-srv-name"),
             flags.on("insecure-discovery"), flags.text("discovery-dns-server")});
        if (!found || !found->empty()) {
            return found;
        }
    }
    return split_list(flags.text("endpoints"));
}

}  // namespace

const std::span<const FlagSpec> kGlobalFlags = kSpecs;

Status take_environment(Flags& flags, const FlagGroups& groups) {
    for (const auto& group : groups) {
        for (const FlagSpec& spec : group) {
            if (flags.given(spec.name)) {
                continue;
            }
            if (Status s = set_from_environment(flags, spec.name); !s.ok()) {
                return s;
            }
        }
    }
    return {};
}

Result<Login> login_of(std::string_view user, std::string_view password, const Asking& asking) {
    if (user.empty()) {
        return Login{};
    }
    if (!password.empty()) {
        return Login{std::string(user), std::string(password)};
    }
    if (const size_t colon = user.find(':'); colon != std::string_view::npos) {
        return Login{std::string(user.substr(0, colon)), std::string(user.substr(colon + 1))};
    }
    auto asked = ask_password(asking.prompt, asking.otherwise);
    if (!asked) {
        return asked.error();
    }
    return Login{std::string(user), std::move(*asked)};
}

Result<ClientOptions> client_options(const Flags& flags) {
    if (Status s = check_files(flags); !s.ok()) {
        return s;
    }
    ClientOptions options;
    auto endpoints = endpoints_of(flags);
    if (!endpoints) {
        return endpoints.error();
    }
    options.endpoints = std::move(*endpoints);
    options.dial_timeout_ns = flags.duration_ns("dial-timeout");
    options.keepalive_time_ns = flags.duration_ns("keepalive-time");
    options.keepalive_timeout_ns = flags.duration_ns("keepalive-timeout");
    if (const int64_t limit = flags.number("max-request-bytes"); limit > 0) {
        options.send_bytes_max = static_cast<uint64_t>(limit);
    } else {
        options.send_bytes_max = kSendDefault;
    }
    if (const int64_t limit = flags.number("max-recv-bytes"); limit > 0) {
        options.receive_bytes_max = static_cast<uint64_t>(std::min<int64_t>(limit, INT32_MAX));
    }
    options.tls_files.cert_file = flags.text("cert");
    options.tls_files.key_file = flags.text("key");
    options.tls_files.ca_file = flags.text("cacert");
    options.tls_files.skip_verification = flags.on("insecure-skip-tls-verify");
    if (!flags.on("insecure-discovery")) {
        options.tls_files.server_name = flags.text("discovery-srv");
    }
    options.tls = !flags.on("insecure-transport") || !options.tls_files.cert_file.empty() ||
                  !options.tls_files.ca_file.empty() || options.tls_files.skip_verification ||
                  !options.tls_files.server_name.empty();
    options.token = flags.text("auth-jwt-token");
    if (options.token.empty()) {
        auto login = login_of(
            flags.text("user"), flags.text("password"),
            {"Password: ", "with --user=name:password, --password or QUORATECTL_PASSWORD"});
        if (!login) {
            return login.error();
        }
        options.user = std::move(login->user);
        options.password = std::move(login->password);
    }
    return options;
}

}  // namespace quorate::ctl
