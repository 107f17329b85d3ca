// SPDX-License-Identifier: Apache-2.0
//
// WaitingRoom: the accepted connections of one loop that have not shown yet that they mean it: in a
// handshake, or without a first whole request. They cost us something and their peers next to
// nothing, so there is a bound, and beyond it the one that has waited longest makes room: an honest
// peer needs moments, and a flood drives out itself. The loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <utility>

namespace quorate::http {

class Connection;
class Listener;

class WaitingRoom {
  public:
    enum class Kind : uint8_t { kHandshake, kRequest };

    // A connection's place in the room. It leaves with it.
    class Place {
      public:
        Place() = default;
        ~Place() { leave(); }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        void leave() {
            if (list_ != nullptr) {
                list_->erase(at_);
                list_ = nullptr;
            }
        }

      private:
        friend class WaitingRoom;
        std::list<Connection*>* list_ = nullptr;
        std::list<Connection*>::iterator at_{};
    };

    // Behind all others; leaves the place that it had.
    void enter(const Listener& listener, Kind kind, Connection& connection, Place& place) {
        place.leave();
        place.list_ = &lists_[{&listener, kind}];
        place.at_ = place.list_->insert(place.list_->end(), &connection);
    }
    size_t count(const Listener& listener, Kind kind) { return lists_[{&listener, kind}].size(); }
    // Null when there is none.
    Connection* longest(const Listener& listener, Kind kind) {
        const auto& list = lists_[{&listener, kind}];
        return list.empty() ? nullptr : list.front();
    }

  private:
    std::map<std::pair<const Listener*, Kind>, std::list<Connection*>> lists_;
};

}  // namespace quorate::http
