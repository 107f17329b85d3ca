// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "json_writer.h"

#include <array>
#include <cstdarg>
#include <cstdio>

namespace quorate::load {
namespace {

constexpr double kMicro = 1000.0;  // nanoseconds in a microsecond
constexpr double kMebi = 1024.0 * 1024.0;

__attribute__((format(printf, 2, 3))) void print(std::string& out, const char* format, ...) {
    std::array<char, 512> line{};
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line.data(), line.size(), format, arguments);
    va_end(arguments);
    out += line.data();
}

double micros(int64_t ns) {
    return static_cast<double>(ns) / kMicro;
}

// What one server CPU figure is divided by: events where a watch delivers them, else requests.
uint64_t work_done(const RunResult& result) {
    const uint64_t events = result.records.completed(Kind::kEvent);
    if (events > 0) {
        return events;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < kKindCount; ++i) {
        sum += result.records.completed(static_cast<Kind>(i));
    }
    return sum;
}

double per_request_us(double cpu_s, const RunResult& result) {
    const uint64_t done = work_done(result);
    return done == 0 ? 0 : cpu_s * 1e6 / static_cast<double>(done);
}

double rate_of(uint64_t count, const RunResult& result) {
    return result.measured_s > 0 ? static_cast<double>(count) / result.measured_s : 0;
}

void print_latencies(std::string& out, const RunResult& result) {
    print(out, "%-10s %12s %12s %9s %9s %9s %9s %9s %9s\n", "", "count", "per second", "mean us",
          "p50", "p90", "p99", "p99.9", "max");
    for (size_t i = 0; i < kKindCount; ++i) {
        const auto kind = static_cast<Kind>(i);
        const Histogram& h = result.records.latency(kind);
        const uint64_t count = result.records.completed(kind);
        if (count == 0 && h.count() == 0) {
            continue;
        }
        print(out, "%-10s %12llu %12.0f %9.0f %9.0f %9.0f %9.0f %9.0f %9.0f\n",
              std::string(kind_name(kind)).c_str(), static_cast<unsigned long long>(count),
              rate_of(count, result), h.mean() / kMicro, micros(h.percentile(50)),
              micros(h.percentile(90)), micros(h.percentile(99)), micros(h.percentile(99.9)),
              micros(h.max()));
    }
}

void print_series(std::string& out, const RunResult& result) {
    print(out, "\n%-10s %12s %9s %9s %9s\n", "second", "count", "p50 us", "p99", "max");
    const std::vector<Histogram>& seconds = result.records.seconds();
    for (size_t i = 0; i < seconds.size(); ++i) {
        print(out, "%-10zu %12llu %9.0f %9.0f %9.0f\n", i + 1,
              static_cast<unsigned long long>(seconds[i].count()),
              micros(seconds[i].percentile(50)), micros(seconds[i].percentile(99)),
              micros(seconds[i].max()));
    }
}

void print_usage(std::string& out, const Options& options, const RunResult& result) {
    print(out, "\nclient     %.2f us CPU per request\n",
          per_request_us(result.client_cpu_s, result));
    for (size_t i = 0; i < result.servers.size(); ++i) {
        const ProcessUsage& usage = result.servers[i];
        print(out,
              "server     %.2f us CPU per request, %.0f %% of a core, %.0f MiB resident, peak %.0f "
              "MiB (pid %d)\n",
              per_request_us(usage.cpu_s, result),
              result.measured_s > 0 ? 100 * usage.cpu_s / result.measured_s : 0,
              static_cast<double>(usage.rss_bytes) / kMebi,
              static_cast<double>(usage.peak_rss_bytes) / kMebi, options.server_pids[i]);
    }
}

void write_latencies(JsonWriter& json, const RunResult& result) {
    json.open_object("operations");
    for (size_t i = 0; i < kKindCount; ++i) {
        const auto kind = static_cast<Kind>(i);
        const Histogram& h = result.records.latency(kind);
        const uint64_t count = result.records.completed(kind);
        if (count == 0 && h.count() == 0) {
            continue;
        }
        json.open_object(kind_name(kind));
        json.field("count", count);
        json.field("rate", rate_of(count, result));
        json.field("mean_us", h.mean() / kMicro);
        json.field("p50_us", micros(h.percentile(50)));
        json.field("p90_us", micros(h.percentile(90)));
        json.field("p99_us", micros(h.percentile(99)));
        json.field("p999_us", micros(h.percentile(99.9)));
        json.field("max_us", micros(h.max()));
        json.close_object();
    }
    json.close_object();
}

void write_usage(JsonWriter& json, const Options& options, const RunResult& result) {
    json.open_object("client");
    json.field("cpu_us_per_request", per_request_us(result.client_cpu_s, result));
    json.close_object();
    json.open_array("servers");
    for (size_t i = 0; i < result.servers.size(); ++i) {
        const ProcessUsage& usage = result.servers[i];
        json.open_object();
        json.field("pid", static_cast<uint64_t>(options.server_pids[i]));
        json.field("cpu_us_per_request", per_request_us(usage.cpu_s, result));
        json.field("cpu_s", usage.cpu_s);
        json.field("rss_bytes", usage.rss_bytes);
        json.field("peak_rss_bytes", usage.peak_rss_bytes);
        json.close_object();
    }
    json.close_array();
}

void write_series(JsonWriter& json, const RunResult& result) {
    json.open_array("seconds");
    for (const Histogram& second : result.records.seconds()) {
        json.open_object();
        json.field("count", second.count());
        json.field("p50_us", micros(second.percentile(50)));
        json.field("p99_us", micros(second.percentile(99)));
        json.field("max_us", micros(second.max()));
        json.close_object();
    }
    json.close_array();
}

}  // namespace

std::string report_text(const Options& options, const RunResult& result) {
    std::string out;
    print(out, "%s: %zu connections x %zu streams, %.2f s measured", options.workload_name.c_str(),
          options.connections, options.streams, result.measured_s);
    if (options.rate > 0) {
        print(out, ", open loop at %.0f/s", options.rate);
    }
    out += "\n\n";
    print_latencies(out, result);
    print_usage(out, options, result);
    if (result.records.unsent() > 0) {
        print(out, "behind     %llu requests were due and never found a free slot\n",
              static_cast<unsigned long long>(result.records.unsent()));
    }
    if (options.series) {
        print_series(out, result);
    }
    for (const auto& [what, times] : result.records.failures()) {
        print(out, "FAILED     %llu x %s\n", static_cast<unsigned long long>(times), what.c_str());
    }
    return out;
}

std::string report_json(const Options& options, const RunResult& result) {
    JsonWriter json;
    json.open_object();
    json.field("workload", options.workload_name);
    json.field("connections", static_cast<uint64_t>(options.connections));
    json.field("streams", static_cast<uint64_t>(options.streams));
    json.field("threads", static_cast<uint64_t>(options.threads));
    json.field("keys", options.keys.count);
    json.field("value_size", static_cast<uint64_t>(options.value_size));
    json.field("rate_wanted", options.rate);
    json.field("measured_s", result.measured_s);
    json.field("received_bytes", result.records.bytes());
    json.field("unsent", result.records.unsent());
    write_latencies(json, result);
    write_usage(json, options, result);
    json.open_object("failures");
    for (const auto& [what, times] : result.records.failures()) {
        json.field(what, times);
    }
    json.close_object();
    write_series(json, result);
    json.close_object();
    return json.text() + "\n";
}

}  // namespace quorate::load
