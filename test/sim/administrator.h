// SPDX-License-Identifier: Apache-2.0
//
// Who changes the members while everything else goes wrong: adds machines, as voters or learners,
// promotes, and removes, the leader too. It knows no more than a human would: what it asked for may
// have happened or not, and the list of members tells.
#pragma once

#include "sim/actors.h"

#include <cstdint>
#include <functional>
#include <string>

namespace etcdserverpb {
class MemberListResponse;
}

namespace quorate::sim {

class Administrator {
  public:
    struct Hands {
        std::function<void(Member&)> start;
        // It is no member any more: nobody starts it again.
        std::function<void(Member&)> retire;
    };

    Administrator(Surroundings world, Hands hands);
    void start();
    // Asks for no more changes, but sees to it that whoever is a member runs.
    void stop();
    // The newest list it has seen was asked for when nothing of what it had asked for before stop()
    // could happen any more, and there is nothing left to do.
    bool has_settled() const { return settled_; }
    uint64_t changes() const { return changes_; }

  private:
    void look();
    void take(const etcdserverpb::MemberListResponse& list, bool is_newest);
    // The next change that is worth a try; its path is empty when there is none.
    void change(const etcdserverpb::MemberListResponse& list);
    void ask(const std::string& path, const std::string& message);
    void look_later();

    Surroundings world_;
    const Hands hands_;
    Rng random_;
    bool newest_next_ = false;  // the next list is to be linearizable
    bool stopped_ = false;
    int64_t settles_at_ns_ = 0;
    bool settled_ = false;
    uint64_t changes_ = 0;
};

}  // namespace quorate::sim
