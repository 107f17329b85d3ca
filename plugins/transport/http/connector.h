// SPDX-License-Identifier: Apache-2.0
//
// Connector: opens one TCP connection without blocking. A name is looked up first; its addresses
// are tried in turn, each for its share of the time that is left. The loop's thread.
#pragma once

#include "plugins/transport/http/resolver.h"
#include "plugins/transport/http/timer_heap.h"
#include "plugins/transport/http/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quorate::http {

class Loop;
struct Target;

class Connector final : private Timer, private LookupOwner {
  public:
    class Owner {
      public:
        virtual void on_connected(UniqueFd fd) = 0;
        // Why the last address failed. Not made for running out of time: that is the owner's timer.
        virtual void on_connect_failed(std::string why) = 0;

      protected:
        ~Owner() = default;
    };

    Connector(Loop& loop, Owner& owner);
    ~Connector() override;

    // Tells the owner once, maybe before this returns. Once per connector, which `target` outlives.
    void start(const Target& target, int64_t due_ms);
    // The socket is ready.
    void on_ready();
    int fd() const { return fd_.get(); }

  private:
    void on_resolved(Resolved&& resolved) override;
    void on_timer() override;  // this address does not answer
    void try_next();
    // Why the socket can't call this address from the target's local one; empty: it can.
    std::string bind_for(const Address& address) const;
    void fail_address(std::string why);

    Loop& loop_;
    Owner& owner_;
    const Target* target_ = nullptr;
    uint64_t ticket_ = 0;  // of a lookup under way
    std::vector<Address> addresses_;
    size_t next_ = 0;
    int64_t due_ms_ = 0;
    UniqueFd fd_;
    std::string failure_;  // of the address tried last
};

}  // namespace quorate::http
