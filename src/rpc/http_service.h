// SPDX-License-Identifier: Apache-2.0
//
// Plain HTTP on the client port: /version, /health, /livez, /readyz and /metrics, with etcd's
// paths, parameters, codes and bodies. Transport threads; the checks that read run where reads do.
#pragma once

#include "node/node.h"
#include "transport/transport.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quorate::rpc {

class HttpService {
  public:
    // Monitoring: metrics and health checks alone.
    enum class Pages : uint8_t { kAll, kMonitoring };

    explicit HttpService(node::Node& node);
    ~HttpService();

    std::unique_ptr<transport::Call> on_request(const transport::CallInfo& info, Pages pages,
                                                transport::Reply reply);

  private:
    class Request;
    struct Counters;

    void serve(ByteView method, ByteView target, Pages pages, transport::Reply reply);
    void version(transport::Reply reply);
    void variables(transport::Reply reply);
    void metrics(transport::Reply reply);
    void health(const std::vector<std::string>& excluded, bool serializable,
                transport::Reply reply);
    void probe(ByteView kind, std::optional<ByteView> only,
               const std::vector<std::string>& excluded, bool verbose, transport::Reply reply);

    node::Node& node_;
    std::unique_ptr<Counters> counters_;
};

// The page /version, which clients and members may ask for.
std::string version_page(const cluster::List& list);

}  // namespace quorate::rpc
