// SPDX-License-Identifier: Apache-2.0
//
// The recipe loop: owns all calls of the Lock and Election services that are under way, however
// many wait, on one thread. Their KV, Watch and Lease calls go through the router to the same
// methods that clients call, as their caller, so that checks and permissions hold for them.
//
//   transport thread   RecipeCall: Start, Cancel, Writable  ->  inbox
//   apply loop, read pool, watch loop: answers and events   ->  inbox
//   recipe loop        Recipe: the next call, or the answer to the client
#pragma once

#include "base/loop_thread.h"
#include "base/mailbox.h"
#include "rpc/recipe.h"
#include "rpc/router.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <variant>
#include <vector>

namespace quorate::rpc {

// Calls under way; one more is answered with "too many requests".
inline constexpr size_t kRecipesMax = 10'000;
// Responses of one watch that its recipe has not seen; the watch then rests.
inline constexpr int kUnseenResponsesMax = 64;

class RecipeLoop {
  public:
    // `router` outlives the loop.
    explicit RecipeLoop(Router& router);
    ~RecipeLoop();
    RecipeLoop(const RecipeLoop&) = delete;
    RecipeLoop& operator=(const RecipeLoop&) = delete;

    // `flush` sends what a turn has answered.
    void start(std::function<void()> flush);
    // Ends all calls and joins the thread. The node still runs, or nothing of it is left that
    // could answer. Idempotent.
    void stop();

    // Makes the recipe of a request, or finishes the reply and returns null.
    using Make = std::unique_ptr<Recipe> (*)(ByteView message, transport::Reply reply);

    // The receiving side of one call. Transport threads.
    std::unique_ptr<transport::Call> begin(const CallContext& context, transport::Reply reply,
                                           Make make);

  private:
    using Key = uint64_t;
    class Caller;
    class AnswerChannel;
    class WatchChannel;
    class Running;

    struct Start {
        Key key;
        KeptContext context;
        std::unique_ptr<Recipe> recipe;
    };
    struct Cancel {
        Key key;
        transport::CancelReason reason;
    };
    struct Writable {
        Key key;
    };
    struct Answered {
        Key key;
        Status status;
        Bytes message;
    };
    struct Watched {
        Key key;
        uint64_t watch;  // which of the recipe's watches
        Bytes response;
    };
    struct WatchEnded {
        Key key;
        uint64_t watch;
        Status status;
    };
    using Input = std::variant<Start, Cancel, Writable, Answered, Watched, WatchEnded>;

    int64_t turn();
    void take(Start& start);
    void take(Cancel& cancel);
    void take(Writable& writable);
    void take(Answered& answered);
    void take(Watched& watched);
    void take(WatchEnded& ended);
    Running* find(Key key);
    void drop_if_done(Key key);

    Router& router_;
    std::atomic<Key> next_key_{1};
    LoopThread thread_{"recipes"};
    Mailbox<Input> inbox_;

    // Recipe loop.
    std::function<void()> flush_;
    std::vector<Input> inputs_;
    std::unordered_map<Key, std::unique_ptr<Running>> running_;
};

}  // namespace quorate::rpc
