// SPDX-License-Identifier: Apache-2.0
//
// What the transport is told: the options that etcd's flags come to, where it listens, and for
// whom. Main thread, before the transport starts.
#pragma once

#include "base/status.h"
#include "config/config.h"
#include "node/node.h"
#include "plugin/plugin.h"
#include "rpc/http_access.h"
#include "serve_tls.h"
#include "transport/transport.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>

namespace quorate {

// Clients and members come to different addresses and are answered by different services.
class Reception final : public transport::Handler {
  public:
    void set(transport::Handler& clients, transport::Handler& members, node::Node& node);
    void add_member_listener(uint32_t id) { member_listeners_.insert(id); }

    std::unique_ptr<transport::Call> on_call(const transport::CallInfo& info,
                                             transport::Reply reply) override;
    void on_turn_end() override;

  private:
    transport::Handler* clients_ = nullptr;
    transport::Handler* members_ = nullptr;
    std::atomic<node::Node*> node_{nullptr};  // who joins asks the members before there is a node
    std::set<uint32_t> member_listeners_;     // constant once the transport runs
};

// What etcd's flags mean to a transport goes before the lines of its own section, which win.
plugin::Options transport_options(const config::Config& config);

// errors::kAddress with the option and the URL.
Status listen_for_members(transport::Transport& transport, const config::Config& config,
                          const ServerTls& tls, Reception& reception);
Status listen_for_clients(transport::Transport& transport, const config::UrlConfig& urls,
                          const ServerTls& tls, rpc::HttpAccess& access);

}  // namespace quorate
