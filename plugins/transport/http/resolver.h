// SPDX-License-Identifier: Apache-2.0
//
// Resolver: looks names up on a thread of its own, because the system's resolver blocks. One name
// after the other; the thread starts with the first. Lookups may be asked for on any thread;
// answers go to the loop that asked.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace quorate::http {

class Loop;

struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;
};

// The answer to one lookup.
struct Resolved {
    uint64_t ticket = 0;
    std::vector<Address> addresses;  // in the order to try them
    std::string error;               // why there are none
    bool matches = false;            // check(): one of the names stands for the address
};

// Who waits for an answer, by its ticket.
class LookupOwner {
  public:
    virtual void on_resolved(Resolved&& resolved) = 0;

  protected:
    ~LookupOwner() = default;
};

// "unix:" and the path of a socket stand in place of a host.
bool is_socket_path(const std::string& host);
// The address of such a socket; false when the path is too long for one.
bool socket_address(const std::string& host, Address& ret_address);

// An IP address, a socket's path, or "localhost", which must work without a resolver. False for
// names.
bool parse_address(const std::string& host, uint16_t port, std::vector<Address>& ret_addresses);

class Resolver {
  public:
    Resolver();
    ~Resolver();

    // Loop::post brings the answer, or nothing once the resolver has stopped.
    void resolve(Loop& loop, uint64_t ticket, const std::string& host, uint16_t port);
    // Whether one of the DNS names of a certificate, "*.example.org" included, stands for an IP
    // address: the address's own names are looked up, and the addresses of these.
    void check(Loop& loop, uint64_t ticket, const std::string& address,
               std::vector<std::string> names);
    // No answer is posted afterwards. A lookup that hangs is left behind to end by itself.
    void stop();

  private:
    struct Lookup;
    struct State;
    void add(Lookup lookup);
    // Shared with the thread, which may outlive the resolver inside a lookup that hangs.
    std::shared_ptr<State> state_;
};

}  // namespace quorate::http
