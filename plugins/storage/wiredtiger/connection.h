// SPDX-License-Identifier: Apache-2.0
//
// Connection: WiredTiger's handle on one store, the pool of its sessions, and its errors as the
// core knows them. Any thread.
//
// A session is WiredTiger's unit of use by one thread at a time. Opening one takes a lock and
// memory, so a view gives its session back instead of closing it.
#pragma once

#include "config.h"
#include "plugin/abi/common.h"
#include "plugin/cxx/barrier.h"
#include "plugin/cxx/result.h"

#include <wiredtiger.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace quorate::wiredtiger_engine {

// One table in one file, which needs no more of WiredTiger's schema than that.
inline constexpr const char* kTable = "file:data.wt";

class Connection {
  public:
    Connection(std::string dir, const quorate_host& host);
    // Closes; all sessions are given back by then.
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    plugin::Status open(const Config& config);

    // QUORATE_RESOURCE_EXHAUSTED when views_max are in use.
    plugin::Result<WT_SESSION*> take_session();
    void give_back(WT_SESSION* session);

    // What a call of WiredTiger's gave, naming the store and, where WiredTiger said it, the file.
    plugin::Status status(int code) const;

  private:
    // First, so that a pointer to it is one to the whole.
    struct Handler {
        WT_EVENT_HANDLER calls;
        Connection* self;
    };
    static int on_error(WT_EVENT_HANDLER* handler, WT_SESSION* session, int code,
                        const char* message);
    static int on_message(WT_EVENT_HANDLER* handler, WT_SESSION* session, const char* message);
    void note_error(int code, const char* message);

    const std::string dir_;
    const quorate_host& host_;
    Handler handler_;
    WT_CONNECTION* connection_ = nullptr;
    mutable std::mutex mutex_;
    std::vector<WT_SESSION*> idle_;  // under mutex_
    uint64_t sessions_ = 0;          // under mutex_
    uint64_t sessions_max_ = 0;
    bool failed_ = false;       // under mutex_: WiredTiger has said that something is wrong
    std::string failure_text_;  // under mutex_: the first of it
    bool disk_full_ = false;    // under mutex_
};

}  // namespace quorate::wiredtiger_engine
