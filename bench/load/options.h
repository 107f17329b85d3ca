// SPDX-License-Identifier: Apache-2.0
//
// The command line of quorate-load. One table in options.cc holds names, defaults and help.
#pragma once

#include "base/status.h"
#include "endpoint.h"
#include "key_space.h"
#include "tls.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quorate::load {

enum class Workload : uint8_t { kPut, kGet, kMixed, kRange, kTxn, kDelete, kWatch, kLease };

struct Options {
    bool help = false;  // print help_text() and leave

    Workload workload = Workload::kPut;
    std::string workload_name;
    std::vector<Endpoint> endpoints;
    TlsFiles tls;
    bool gateway = false;  // JSON over HTTP/1.1 instead of gRPC
    size_t connections = 1;
    size_t streams = 1;  // in flight per connection
    size_t threads = 1;
    bool poll = false;  // see Waiting

    double rate = 0;  // requests per second; 0: closed loop
    int64_t duration_ns = 0;
    int64_t warmup_ns = 0;
    uint64_t count = 0;  // 0: `duration_ns` decides

    KeyShape keys;
    Order order = Order::kRandom;
    size_t value_size = 0;
    uint64_t seed = 0;
    uint64_t preload = 0;

    bool serializable = false;
    double read_ratio = 0;
    uint64_t range_keys = 0;  // keys each range spans
    int64_t limit = 0;
    size_t txn_ops = 0;
    bool txn_compare = false;

    size_t watchers = 0;
    size_t watch_streams = 0;
    uint64_t watch_keys = 0;
    bool watch_prefix = false;
    size_t watch_window = 0;  // puts in flight until every watcher has their event; 0: no bound

    uint64_t leases = 0;
    int64_t lease_ttl_s = 0;

    std::vector<int> server_pids;
    std::string json_file;
    bool series = false;
    bool allow_errors = false;

    // Fails with a message for the user.
    static Result<Options> parse(int argc, const char* const* argv);
};

std::string help_text();

}  // namespace quorate::load
