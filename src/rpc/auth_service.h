// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.Auth. Changes go through the log; passwords are hashed before that, and checked when
// somebody logs in, by threads of their own. Questions are answered by the apply loop behind a
// linearizable read. Transport threads, password threads, apply loop.
#pragma once

#include "node/node.h"
#include "rpc.pb.h"
#include "rpc/password_pool.h"
#include "rpc/router.h"

#include <functional>
#include <memory>
#include <string>

namespace quorate::rpc {

class AuthService {
  public:
    explicit AuthService(node::Node& node) : node_(node) {}

    void register_methods(Router& router);

    // See PasswordPool. Nothing that needs a password is answered before the start.
    void start(std::function<void()> flush) { passwords_.start(std::move(flush)); }
    void stop() { passwords_.stop(); }

  private:
    // One client that logs in, from the first check to the answer.
    struct Attempt;

    void register_changes(Router& router);
    void register_questions(Router& router);

    void authenticate(ByteView message, transport::Reply reply);
    void check_password(std::shared_ptr<Attempt> attempt);
    void give_token(const std::shared_ptr<Attempt>& attempt, const std::string& token,
                    uint64_t checked_revision);
    void add_user(const CallContext& context, ByteView message, transport::Reply reply);
    void change_password(const CallContext& context, ByteView message, transport::Reply reply);
    // Hashes on a password thread, then proposes what `command_of` makes of the hash.
    void hash_and_propose(const CallContext& context, const std::string& password,
                          wire::CommandKind kind,
                          std::function<Bytes(const std::string& hash)> command_of,
                          transport::Reply reply);

    node::Node& node_;
    PasswordPool passwords_;
};

}  // namespace quorate::rpc
