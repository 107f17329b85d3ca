// SPDX-License-Identifier: Apache-2.0
#include "rpc/method_metrics.h"

#include <utility>
#include <vector>

namespace quorate::rpc {
namespace {

// The bounds that Prometheus' libraries use where nobody chooses others.
const std::vector<double> kLatencyBounds = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

std::string_view type_label(MethodType type) {
    switch (type) {
        case MethodType::kUnary:
            return "unary";
        case MethodType::kServerStream:
            return "server_stream";
        case MethodType::kBidiStream:
            return "bidi_stream";
    }
    return {};
}

// What etcd calls the requests that it measures in its server; empty for others.
std::string_view request_type(std::string_view path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTypes = {{
        {"/etcdserverpb.KV/Range", "Range"},
        {"/etcdserverpb.KV/Put", "Put"},
        {"/etcdserverpb.KV/DeleteRange", "DeleteRange"},
        {"/etcdserverpb.KV/Txn", "Txn"},
        {"/etcdserverpb.KV/Compact", "Compaction"},
        {"/etcdserverpb.Lease/LeaseGrant", "LeaseGrant"},
        {"/etcdserverpb.Lease/LeaseRevoke", "LeaseRevoke"},
    }};
    for (const auto& [name, type] : kTypes) {
        if (name == path) {
            return type;
        }
    }
    return {};
}

metrics::Labels labels_of(const std::string& path, MethodType type) {
    const size_t slash = path.rfind('/');
    return {{"grpc_method", path.substr(slash + 1)},
            {"grpc_service", path.substr(1, slash - 1)},
            {"grpc_type", std::string(type_label(type))}};
}

}  // namespace

MethodMetrics::MethodMetrics(metrics::Registry& registry, const std::string& path, MethodType type,
                             bool latencies)
    : started(registry.counter("grpc_server_started_total",
                               "Total number of RPCs started on the server.",
                               labels_of(path, type))),
      received(registry.counter("grpc_server_msg_received_total",
                                "Total number of RPC stream messages received on the server.",
                                labels_of(path, type))),
      sent(registry.counter("grpc_server_msg_sent_total",
                            "Total number of gRPC stream messages sent by the server.",
                            labels_of(path, type))) {
    for (size_t code = 0; code < handled.size(); ++code) {
        metrics::Labels labels = labels_of(path, type);
        labels.emplace_back("grpc_code", std::string(code_name(static_cast<Code>(code))));
        handled[code] = &registry.counter(
            "grpc_server_handled_total",
            "Total number of RPCs completed on the server, regardless of success or failure.",
            std::move(labels));
    }
    if (latencies) {
        handling_seconds = &registry.histogram_of_bounds(
            "grpc_server_handling_seconds",
            "Histogram of response latency (seconds) of gRPC that had been application-level "
            "handled by the server.",
            kLatencyBounds, labels_of(path, type));
    }
    if (const std::string_view request = request_type(path); !request.empty()) {
        const auto histogram = [&](const char* success) {
            return &registry.histogram("etcd_server_request_duration_seconds",
                                       "The latency of requests by type and outcome.",
                                       {0.001, 2, 14},
                                       {{"success", success}, {"type", std::string(request)}});
        };
        succeeded_seconds = histogram("true");
        failed_seconds = histogram("false");
    }
}

void MethodMetrics::ended(Code code, int64_t took_ns) {
    handled[static_cast<size_t>(code)]->add();
    if (handling_seconds != nullptr) {
        handling_seconds->observe_ns(took_ns);
    }
    if (succeeded_seconds != nullptr) {
        (code == Code::kOk ? succeeded_seconds : failed_seconds)->observe_ns(took_ns);
    }
}

}  // namespace quorate::rpc
