// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include "base/errors.h"
#include "gateway_codec.h"
#include "load_time.h"

#include <boost/program_options.hpp>

#include <array>
#include <charconv>
#include <sstream>
#include <utility>

namespace quorate::load {
namespace {

namespace po = boost::program_options;

constexpr std::array<std::pair<std::string_view, Workload>, 8> kWorkloads = {{
    {"put", Workload::kPut},
    {"get", Workload::kGet},
    {"mixed", Workload::kMixed},
    {"range", Workload::kRange},
    {"txn", Workload::kTxn},
    {"delete", Workload::kDelete},
    {"watch", Workload::kWatch},
    {"lease", Workload::kLease},
}};

constexpr std::array<std::pair<std::string_view, Order>, 3> kOrders = {{
    {"sequential", Order::kSequential},
    {"random", Order::kRandom},
    {"zipf", Order::kZipf},
}};

// Bounds that keep a typing error from taking the machine down.
constexpr size_t kConnectionsMax = 10'000;
constexpr size_t kStreamsMax = 10'000;
constexpr size_t kThreadsMax = 64;
constexpr size_t kKeySizeMax = 1024;
constexpr size_t kValueSizeMax = 64 << 20;
constexpr size_t kWatchersMax = 1'000'000;
constexpr size_t kTxnOpsMax = 10'000;
constexpr size_t kWatchValueMin = 16;  // send time and sequence number

Status invalid(std::string message) {
    return {errors::kUnknown, std::move(message)};
}

// What program_options fills before the values are checked and turned into Options.
struct Raw {
    std::string endpoints, workload, key_size, order, consistency, pids, token;
    double duration_s = 0, warmup_s = 0;
};

po::options_description option_table(Raw& raw, Options& o) {
    po::options_description table("Options", 100, 60);
    auto add = table.add_options();
    add("help,h", "print this and leave");
    add("endpoint,e", po::value(&raw.endpoints)->default_value("127.0.0.1:2379"),
        "HOST:PORT of the server, of several servers with commas between; loopback only");
    add("cacert", po::value(&o.tls.ca_file)->default_value(""),
        "https://HOST:PORT: who may have signed the server's certificate");
    add("cert", po::value(&o.tls.cert_file)->default_value(""),
        "https://HOST:PORT: our certificate");
    add("key", po::value(&o.tls.key_file)->default_value(""), "and its key");
    add("gateway", po::bool_switch(&o.gateway),
        "ask the JSON gateway over HTTP/1.1, one request in flight per connection");
    add("connections,c", po::value(&o.connections)->default_value(1), "connections");
    add("streams,m", po::value(&o.streams)->default_value(1), "requests in flight per connection");
    add("threads,t", po::value(&o.threads)->default_value(1), "threads that share the connections");
    add("poll", po::bool_switch(&o.poll),
        "wait for answers without sleeping: latencies are then without the time that the load "
        "generator takes to wake up");
    add("rate,r", po::value(&o.rate)->default_value(0),
        "requests per second; latency then counts from the intended start. 0: as fast as answers "
        "come");
    add("duration,d", po::value(&raw.duration_s)->default_value(10), "seconds to measure");
    add("warmup,w", po::value(&raw.warmup_s)->default_value(1), "seconds before that");
    add("count,n", po::value(&o.count)->default_value(0),
        "this many requests instead of a duration; no warm-up then");
    add("preload,p", po::value(&o.preload)->default_value(0),
        "first put keys 0..N-1, many in a transaction");
    add("keys,k", po::value(&o.keys.count)->default_value(100'000), "number of keys");
    add("key-size", po::value(&raw.key_size)->default_value("16"),
        "bytes, or MIN-MAX to mix sizes");
    add("key-prefix", po::value(&o.keys.prefix)->default_value(""), "what every key begins with");
    add("value-size,v", po::value(&o.value_size)->default_value(256), "bytes");
    add("order", po::value(&raw.order)->default_value("random"),
        "which key is next: sequential, random, zipf");
    add("seed", po::value(&o.seed)->default_value(1), "of everything random");
    add("consistency", po::value(&raw.consistency)->default_value("l"),
        "get, mixed, range: l (linearizable) or s (serializable)");
    add("read-ratio", po::value(&o.read_ratio)->default_value(0.5),
        "mixed: the share of gets, 0..1");
    add("range-keys", po::value(&o.range_keys)->default_value(1000),
        "range: keys that each range spans");
    add("limit", po::value(&o.limit)->default_value(0), "range: limit of the request");
    add("txn-ops", po::value(&o.txn_ops)->default_value(4), "txn: puts in each");
    add("txn-compare", po::bool_switch(&o.txn_compare),
        "txn: also compare the first key's version (always true)");
    add("watchers", po::value(&o.watchers)->default_value(1000), "watch: how many");
    add("watch-streams", po::value(&o.watch_streams)->default_value(100),
        "watch: streams they share, over all connections");
    add("watch-keys", po::value(&o.watch_keys)->default_value(1),
        "watch: keys written in turn; watcher i watches key i mod this");
    add("watch-prefix", po::bool_switch(&o.watch_prefix), "watch: all keys, each watcher");
    add("watch-window", po::value(&o.watch_window)->default_value(16),
        "watch: puts whose events are not yet with every watcher; 0: no bound");
    add("leases", po::value(&o.leases)->default_value(10'000), "lease: how many are kept alive");
    add("lease-ttl", po::value(&o.lease_ttl_s)->default_value(600), "lease: seconds");
    add("server-pid", po::value(&raw.pids)->default_value(""),
        "process ids, commas between: measures their CPU and memory");
    add("token", po::value(&raw.token), "of a user's login, when authentication is on");
    add("json", po::value(&o.json_file), "also write the result to this file");
    add("series", po::bool_switch(&o.series), "also print a line for each second");
    add("allow-errors", po::bool_switch(&o.allow_errors), "failed requests are no failure");
    return table;
}

template <typename Table>
bool look_up(const Table& table, std::string_view name, auto& out) {
    for (const auto& [known, value] : table) {
        if (known == name) {
            out = value;
            return true;
        }
    }
    return false;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, ',');) {
        if (!part.empty()) {
            parts.push_back(part);
        }
    }
    return parts;
}

template <typename Int>
bool parse_number(std::string_view text, Int& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

Status take_lists(const Raw& raw, Options& o) {
    for (const std::string& text : split(raw.endpoints)) {
        Result<Endpoint> endpoint = Endpoint::parse(text);
        if (!endpoint) {
            return endpoint.error();
        }
        endpoint->token = raw.token;
        o.endpoints.push_back(*endpoint);
    }
    const auto gateway = o.gateway ? std::make_shared<const GatewayCodec>() : nullptr;
    for (Endpoint& endpoint : o.endpoints) {
        endpoint.gateway = gateway;
        if (endpoint.secure) {
            Result<std::shared_ptr<const TlsContext>> tls = TlsContext::open(o.tls);
            if (!tls) {
                return tls.error();
            }
            endpoint.tls = std::move(*tls);
        }
    }
    if (o.endpoints.empty()) {
        return invalid("--endpoint is empty");
    }
    for (const std::string& text : split(raw.pids)) {
        int pid = 0;
        if (!parse_number(text, pid) || pid <= 0) {
            return invalid("--server-pid: \"" + text + "\" is no process id");
        }
        o.server_pids.push_back(pid);
    }
    return {};
}

Status take_keys(const Raw& raw, Options& o) {
    const std::string& text = raw.key_size;
    const size_t dash = text.find('-');
    const bool is_range = dash != std::string::npos;
    if (!parse_number(std::string_view(text).substr(0, dash), o.keys.size_min) ||
        !parse_number(std::string_view(text).substr(is_range ? dash + 1 : 0), o.keys.size_max) ||
        o.keys.size_min > o.keys.size_max || o.keys.size_max > kKeySizeMax) {
        return invalid("--key-size: \"" + text + "\" is not N or MIN-MAX up to " +
                       std::to_string(kKeySizeMax));
    }
    if (o.keys.size_min < o.keys.prefix.size() + KeyShape::kDigits) {
        return invalid("--key-size must leave room for the prefix and " +
                       std::to_string(KeyShape::kDigits) + " digits");
    }
    if (o.keys.count == 0 || o.keys.count > KeyShape::kCountMax ||
        o.preload > KeyShape::kCountMax) {
        return invalid("--keys and --preload go up to " + std::to_string(KeyShape::kCountMax));
    }
    if (o.value_size > kValueSizeMax) {
        return invalid("--value-size goes up to " + std::to_string(kValueSizeMax));
    }
    if (!look_up(kOrders, raw.order, o.order)) {
        return invalid("--order: \"" + raw.order + "\" is not sequential, random or zipf");
    }
    return {};
}

Status check_shape(const Options& o) {
    if (o.connections == 0 || o.connections > kConnectionsMax) {
        return invalid("--connections must be 1 to " + std::to_string(kConnectionsMax));
    }
    if (o.streams == 0 || o.streams > kStreamsMax) {
        return invalid("--streams must be 1 to " + std::to_string(kStreamsMax));
    }
    const bool streams = o.workload == Workload::kWatch || o.workload == Workload::kLease;
    if (o.gateway && (o.streams > 1 || streams)) {
        return invalid("--gateway is for single requests, and for one at a time per connection");
    }
    if (o.threads == 0 || o.threads > kThreadsMax || o.threads > o.connections) {
        return invalid("--threads must be 1 to " + std::to_string(kThreadsMax) +
                       ", and no more than connections");
    }
    if (o.rate < 0 || o.duration_ns <= 0 || o.warmup_ns < 0) {
        return invalid("--rate, --duration and --warmup must not be negative, --duration not 0");
    }
    if (o.read_ratio < 0 || o.read_ratio > 1) {
        return invalid("--read-ratio must be 0 to 1");
    }
    if (o.limit < 0) {
        return invalid("--limit must not be negative");
    }
    return {};
}

Status check_workload(const Options& o) {
    if (o.workload == Workload::kRange && (o.range_keys == 0 || o.range_keys > o.keys.count)) {
        return invalid("--range-keys must be 1 to --keys");
    }
    if (o.workload == Workload::kTxn &&
        (o.txn_ops == 0 || o.txn_ops > kTxnOpsMax || o.txn_ops > o.keys.count)) {
        return invalid("--txn-ops must be 1 to --keys, at most " + std::to_string(kTxnOpsMax));
    }
    if (o.workload == Workload::kWatch) {
        if (o.threads != 1) {
            return invalid("watch runs on one thread");
        }
        if (o.watchers == 0 || o.watchers > kWatchersMax || o.watch_streams == 0 ||
            o.watch_streams > o.watchers) {
            return invalid("--watchers must be 1 to " + std::to_string(kWatchersMax) +
                           ", --watch-streams 1 to --watchers");
        }
        if (o.watch_keys == 0 || o.watch_keys > o.watchers || o.watch_keys > o.keys.count) {
            return invalid("--watch-keys must be 1 to --watchers, and to --keys");
        }
        if (o.value_size < kWatchValueMin) {
            return invalid("watch needs a --value-size of at least " +
                           std::to_string(kWatchValueMin));
        }
        if (o.watch_window == 0 && o.rate <= 0) {
            return invalid("watch without --watch-window needs a --rate");
        }
    }
    if (o.workload == Workload::kLease && (o.leases < o.threads || o.lease_ttl_s <= 0)) {
        return invalid("--leases must be at least --threads, --lease-ttl at least 1");
    }
    return {};
}

Status finish(const Raw& raw, Options& o) {
    if (!look_up(kWorkloads, raw.workload, o.workload)) {
        return invalid(raw.workload.empty()
                           ? "which workload? see --help"
                           : "unknown workload \"" + raw.workload + "\", see --help");
    }
    o.workload_name = raw.workload;
    if (raw.consistency != "l" && raw.consistency != "s") {
        return invalid("--consistency is l or s");
    }
    o.serializable = raw.consistency == "s";
    o.duration_ns = static_cast<int64_t>(raw.duration_s * static_cast<double>(kSecondNs));
    o.warmup_ns =
        o.count > 0 ? 0 : static_cast<int64_t>(raw.warmup_s * static_cast<double>(kSecondNs));
    for (Status (*step)(const Raw&, Options&) : {take_lists, take_keys}) {
        Status status = step(raw, o);
        if (!status.ok()) {
            return status;
        }
    }
    Status status = check_shape(o);
    return status.ok() ? check_workload(o) : status;
}

}  // namespace

Result<Options> Options::parse(int argc, const char* const* argv) {
    Options o;
    Raw raw;
    po::options_description table = option_table(raw, o);
    table.add_options()("workload", po::value(&raw.workload), "");
    po::positional_options_description positional;
    positional.add("workload", 1);
    try {
        po::variables_map given;
        po::store(
            po::command_line_parser(argc, argv)
                .options(table)
                .positional(positional)
                .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                .run(),
            given);
        po::notify(given);
        o.help = given.count("help") > 0;
    } catch (const po::error& error) {
        return invalid(error.what());
    }
    if (o.help) {
        return o;
    }
    Status status = finish(raw, o);
    if (!status.ok()) {
        return status;
    }
    return o;
}

std::string help_text() {
    Options o;
    Raw raw;
    std::ostringstream out;
    out << "usage: quorate-load WORKLOAD [options]\n\n"
           "Loads a server that speaks the etcd v3 API, checks every answer, and reports rates,\n"
           "latencies and the server's CPU time per request. What it writes stays there: use a\n"
           "server that may be thrown away.\n\n"
           "Workloads:\n"
           "  put     one key each\n"
           "  get     one key each, of those preloaded\n"
           "  mixed   gets and puts\n"
           "  range   spans of preloaded keys\n"
           "  txn     several puts each\n"
           "  delete  each preloaded key once, in order\n"
           "  watch   watchers and a writer; latency is from put to event\n"
           "  lease   keep-alives\n\n"
        << option_table(raw, o)
        << "\nExit status: 0 fine, 1 failed requests or wrong answers, 2 wrong usage, 3 the run "
           "could\n"
           "not start.\n";
    return out.str();
}

}  // namespace quorate::load
