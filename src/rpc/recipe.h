// SPDX-License-Identifier: Apache-2.0
//
// A recipe: one call of the Lock or Election service, which is made of KV, Watch and Lease calls
// one after the other, as etcd's concurrency recipes are. A recipe says what it wants next and is
// told what came of it; it has no thread and waits for nothing. Owned and called by the recipe
// loop.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "rpc.pb.h"
#include "transport/transport.h"

#include <google/protobuf/message_lite.h>

#include <string_view>

namespace quorate::rpc {

// What a recipe may ask for. Valid while the recipe is called.
class RecipeHost {
  public:
    // A unary method on behalf of the recipe's caller; on_answer follows. One at a time.
    virtual void call(std::string_view path, const google::protobuf::MessageLite& request) = 0;
    // A watch of its own, in place of the one there was.
    virtual void watch(const etcdserverpb::WatchCreateRequest& create) = 0;
    virtual void unwatch() = 0;

  protected:
    ~RecipeHost() = default;
};

class Recipe {
  public:
    virtual ~Recipe() = default;

    virtual void start(RecipeHost& host) = 0;
    // Instead of start: there is no room for it.
    virtual void refuse(const Status& status) = 0;
    // The answer to the last call; `message` is that of success.
    virtual void on_answer(RecipeHost& host, const Status& status, ByteView message) = 0;
    // A response of the watch, none of its "created"; and its end, which no other follows.
    virtual void on_events(RecipeHost&, const etcdserverpb::WatchResponse&) {}
    virtual void on_watch_end(RecipeHost&, const Status&) {}
    // The caller has gone: the recipe answers at once and takes back what it has done.
    virtual void on_cancel(RecipeHost& host, transport::CancelReason reason) = 0;
    // The caller takes more.
    virtual void on_writable(RecipeHost&) {}

    // Nothing more is to come: it has answered, and waits for no answer.
    virtual bool done() const = 0;
    // It has events that its caller does not take yet: the watch is to rest.
    virtual bool full() const { return false; }
};

// How these services tell their callers of a failure further down: etcd passes the text on, and not
// the code.
Status as_unknown(const Status& status);

// What a call ends with when its caller has gone.
Status cancelled(transport::CancelReason reason);

}  // namespace quorate::rpc
