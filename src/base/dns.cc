// SPDX-License-Identifier: Apache-2.0
#include "base/dns.h"

#include "base/errors.h"
#include "base/url.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

namespace quorate {
namespace {

constexpr size_t kAnswerBytesMax = 65'535;  // what a DNS message can have
constexpr size_t kRecordsMax = 256;
constexpr size_t kSrvFixedBytes = 6;  // priority, weight and port, before the host
constexpr int kSeconds = 3;           // for one try
constexpr int kTries = 2;

class Resolver {
  public:
    Resolver() { usable_ = res_ninit(&state_) == 0; }
    ~Resolver() { res_nclose(&state_); }
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    bool usable() const { return usable_; }
    res_state state() { return &state_; }

  private:
    struct __res_state state_ = {};
    bool usable_ = false;
};

Status set_server(res_state state, const std::string& server) {
    const auto url = Url::parse("http://" + server);
    in_addr address{};
    if (!url || inet_pton(AF_INET, url->host.c_str(), &address) != 1) {
        return {errors::kConfig,
                "\"" + server + "\" is no DNS server: must be an IPv4 address and a port"};
    }
    state->nscount = 1;
    state->nsaddr_list[0] = {};
    state->nsaddr_list[0].sin_family = AF_INET;
    state->nsaddr_list[0].sin_addr = address;
    state->nsaddr_list[0].sin_port = htons(url->port);
    return {};
}

std::string reason_of(int error) {
    switch (error) {
        case HOST_NOT_FOUND:
            return "there is no such name";
        case NO_DATA:
            return "it has no SRV records";
        case TRY_AGAIN:
            return "the name server does not answer";
        default:
            return "the name server refuses";
    }
}

std::optional<SrvRecord> parse_record(const ns_msg& message, const ns_rr& record) {
    const uint8_t* data = ns_rr_rdata(record);
    if (ns_rr_rdlen(record) <= kSrvFixedBytes) {
        return std::nullopt;
    }
    std::array<char, NS_MAXDNAME> host{};
    if (dn_expand(ns_msg_base(message), ns_msg_end(message), data + kSrvFixedBytes, host.data(),
                  static_cast<int>(host.size())) < 0) {
        return std::nullopt;
    }
    SrvRecord srv;
    srv.priority = static_cast<uint16_t>(ns_get16(data));
    srv.weight = static_cast<uint16_t>(ns_get16(data + 2));
    srv.port = static_cast<uint16_t>(ns_get16(data + 4));
    srv.host = host.data();
    return srv;
}

std::string numeric(const sockaddr* address, socklen_t size) {
    std::array<char, NI_MAXHOST> host{};
    return getnameinfo(address, size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0
               ? host.data()
               : "";
}

}  // namespace

Result<std::vector<SrvRecord>> parse_srv_answer(const uint8_t* bytes, size_t size) {
    ns_msg message{};
    if (size > kAnswerBytesMax || ns_initparse(bytes, static_cast<int>(size), &message) != 0) {
        return Status(errors::kUnavailable, "the answer can't be read");
    }
    std::vector<SrvRecord> records;
    const int count = ns_msg_count(message, ns_s_an);
    for (int i = 0; i < count && records.size() < kRecordsMax; ++i) {
        ns_rr record{};
        if (ns_parserr(&message, ns_s_an, i, &record) != 0) {
            return Status(errors::kUnavailable, "the answer can't be read");
        }
        if (ns_rr_type(record) != ns_t_srv) {
            continue;  // an alias on the way to the records
        }
        auto srv = parse_record(message, record);
        if (!srv) {
            return Status(errors::kUnavailable, "the answer can't be read");
        }
        records.push_back(std::move(*srv));
    }
    std::sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
        return std::tie(a.priority, a.host, a.port) < std::tie(b.priority, b.host, b.port);
    });
    return records;
}

Result<std::vector<SrvRecord>> look_up_srv(const std::string& name, const std::string& server) {
    const auto fail = [&](const std::string& reason) {
        return Status(errors::kUnavailable,
                      name + (server.empty() ? "" : " at " + server) + ": " + reason);
    };
    Resolver resolver;
    if (!resolver.usable()) {
        return fail("the system's resolver can't be used");
    }
    resolver.state()->retrans = kSeconds;
    resolver.state()->retry = kTries;
    if (!server.empty()) {
        if (Status s = set_server(resolver.state(), server); !s.ok()) {
            return s;
        }
    }
    std::vector<uint8_t> answer(kAnswerBytesMax);
    const int size = res_nquery(resolver.state(), name.c_str(), ns_c_in, ns_t_srv, answer.data(),
                                static_cast<int>(answer.size()));
    if (size < 0) {
        return fail(reason_of(resolver.state()->res_h_errno));
    }
    auto records = parse_srv_answer(answer.data(), static_cast<size_t>(size));
    if (!records) {
        return fail(records.error().message());
    }
    return records->empty() ? fail(reason_of(NO_DATA)) : records;
}

Result<std::vector<std::string>> look_up_addresses(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
        return Status(errors::kUnavailable, "\"" + host + "\": " + gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
    std::vector<std::string> addresses;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        std::string text = numeric(one->ai_addr, one->ai_addrlen);
        if (!text.empty()) {
            addresses.push_back(std::move(text));
        }
    }
    return addresses;
}

}  // namespace quorate
