// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/resolver.h"

#include "plugins/transport/http/loop.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace quorate::http {
namespace {

constexpr std::chrono::seconds kStopPatience{1};
constexpr std::string_view kSocketPrefix = "unix:";

struct FreeAddresses {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

template <typename SocketAddress>
Address make_address(const SocketAddress& from) {
    Address address;
    std::memcpy(&address.bytes, &from, sizeof from);
    address.size = sizeof from;
    return address;
}

Resolved look_up(const std::string& host, uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int result = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, FreeAddresses> list(found);
    Resolved resolved;
    if (result != 0) {
        resolved.error = gai_strerror(result);
    }
    for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
        Address address;
        std::memcpy(&address.bytes, entry->ai_addr, entry->ai_addrlen);
        address.size = entry->ai_addrlen;
        resolved.addresses.push_back(address);
    }
    return resolved;
}

std::string host_text(const Address& address) {
    std::array<char, NI_MAXHOST> text{};
    getnameinfo(reinterpret_cast<const sockaddr*>(&address.bytes), address.size, text.data(),
                text.size(), nullptr, 0, NI_NUMERICHOST);
    return text.data();
}

// The name that an address goes by; empty when it has none.
std::string name_of(const Address& address) {
    std::array<char, NI_MAXHOST> text{};
    const int result = getnameinfo(reinterpret_cast<const sockaddr*>(&address.bytes), address.size,
                                   text.data(), text.size(), nullptr, 0, NI_NAMEREQD);
    return result == 0 ? text.data() : "";
}

bool covers(const std::string& pattern, const std::string& name) {
    const size_t dot = name.find('.');
    return pattern.starts_with("*.")
               ? dot != std::string::npos && name.substr(dot) == pattern.substr(1)
               : name == pattern;
}

Resolved check_names(const std::string& address, const std::vector<std::string>& names) {
    Resolved resolved;
    std::vector<Address> own;
    if (!parse_address(address, 0, own)) {
        return resolved;
    }
    const std::string numbers = host_text(own.front());
    const std::string name = name_of(own.front());
    for (const std::string& one : names) {
        resolved.matches = !name.empty() && covers(one, name);
        if (!resolved.matches && !one.starts_with("*.")) {
            Resolved found = look_up(one, 0);
            resolved.error = found.error;
            resolved.matches =
                std::any_of(found.addresses.begin(), found.addresses.end(),
                            [&](const Address& each) { return host_text(each) == numbers; });
        }
        if (resolved.matches) {
            break;
        }
    }
    return resolved;
}

}  // namespace

bool is_socket_path(const std::string& host) {
    return host.starts_with(kSocketPrefix);
}

bool socket_address(const std::string& host, Address& ret_address) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    const std::string path = host.substr(kSocketPrefix.size());
    if (path.empty() || path.size() >= sizeof local.sun_path) {
        return false;
    }
    std::memcpy(local.sun_path, path.data(), path.size());
    ret_address = make_address(local);
    return true;
}

bool parse_address(const std::string& host, uint16_t port, std::vector<Address>& ret_addresses) {
    if (Address local; is_socket_path(host) && socket_address(host, local)) {
        ret_addresses.push_back(local);
        return true;
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    const bool local = host == "localhost";
    const bool is_v4 = inet_pton(AF_INET, local ? "127.0.0.1" : host.c_str(), &v4.sin_addr) == 1;
    const bool is_v6 = inet_pton(AF_INET6, local ? "::1" : host.c_str(), &v6.sin6_addr) == 1;
    if (is_v4) {
        ret_addresses.push_back(make_address(v4));
    }
    if (is_v6) {
        ret_addresses.push_back(make_address(v6));
    }
    return is_v4 || is_v6;
}

struct Resolver::Lookup {
    Loop* loop;
    uint64_t ticket;
    std::string host;
    uint16_t port = 0;
    std::vector<std::string> names = {};  // not empty: to be checked against the host
};

struct Resolver::State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Lookup> lookups;
    bool stopping = false;
    bool running = false;
    std::thread thread;

    static void run(const std::shared_ptr<State>& state);
};

void Resolver::State::run(const std::shared_ptr<State>& state) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    pthread_setname_np(pthread_self(), "http-names");
    std::unique_lock lock(state->mutex);
    for (;;) {
        state->changed.wait(lock, [&] { return state->stopping || !state->lookups.empty(); });
        if (state->stopping) {
            break;
        }
        const Lookup lookup = std::move(state->lookups.front());
        state->lookups.pop_front();
        lock.unlock();
        Resolved resolved = lookup.names.empty() ? look_up(lookup.host, lookup.port)
                                                 : check_names(lookup.host, lookup.names);
        resolved.ticket = lookup.ticket;
        lock.lock();
        if (!state->stopping) {
            lookup.loop->post(std::move(resolved));
        }
    }
    state->running = false;
    state->changed.notify_all();
}

Resolver::Resolver() : state_(std::make_shared<State>()) {}

Resolver::~Resolver() {
    stop();
}

void Resolver::resolve(Loop& loop, uint64_t ticket, const std::string& host, uint16_t port) {
    add({&loop, ticket, host, port});
}

void Resolver::check(Loop& loop, uint64_t ticket, const std::string& address,
                     std::vector<std::string> names) {
    add({&loop, ticket, address, 0, std::move(names)});
}

void Resolver::add(Lookup lookup) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) {
        return;
    }
    state_->lookups.push_back(std::move(lookup));
    if (!state_->thread.joinable()) {
        state_->running = true;
        state_->thread = std::thread([state = state_] { State::run(state); });
    }
    state_->changed.notify_all();
}

void Resolver::stop() {
    std::unique_lock lock(state_->mutex);
    state_->stopping = true;
    state_->changed.notify_all();
    const bool over =
        state_->changed.wait_for(lock, kStopPatience, [&] { return !state_->running; });
    lock.unlock();
    if (state_->thread.joinable()) {
        over ? state_->thread.join() : state_->thread.detach();
    }
}

}  // namespace quorate::http
