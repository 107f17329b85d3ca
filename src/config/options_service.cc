// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "config/option_rows.h"

#include <algorithm>

namespace quorate::config {

namespace {

constexpr View kNoTracing =
    "OpenTelemetry spans are not exported; --metrics=extensive has latencies by method, and slow "
    "requests are logged";

Status set_metrics(Draft& draft, View text) {
    if (text != "basic" && text != "extensive") {
        return {errors::kConfig, "must be basic or extensive"};
    }
    draft.config.http.extensive_metrics = text == "extensive";
    return {};
}

Status set_logger(Draft&, View text) {
    return text == "zap" ? Status() : Status(errors::kConfig, "must be zap");
}

Status set_log_level(Draft& draft, View text) {
    if (Status s = log::check_levels(text); !s.ok()) {
        return s;
    }
    return keep_text(text, draft.config.log.levels);
}

Status set_log_format(Draft& draft, View text) {
    if (text != "json" && text != "console") {
        return {errors::kConfig, "must be json or console"};
    }
    draft.config.log.format = text == "json" ? log::Format::kJson : log::Format::kConsole;
    return {};
}

Status set_log_outputs(Draft& draft, View text) {
    std::vector<std::string> outputs = split_unique(text);
    if (outputs.empty()) {
        return {errors::kConfig,
                "must name an output: default, stderr, stdout, systemd/journal or a file"};
    }
    if (outputs.size() > 1 && std::count(outputs.begin(), outputs.end(), "default") != 0) {
        return {errors::kConfig, "multi logoutput for \"default\" is not supported yet"};
    }
    draft.config.log.outputs = std::move(outputs);
    return {};
}

Status set_sampling_rate(Draft&, View text) {
    const Result<uint32_t> rate = to_uint32(text, {0, 1'000'000});
    return rate ? Status() : rate.error();
}

// At least 100 ms: etcd raises smaller intervals silently, and so do we.
Status set_progress_interval(Draft& draft, View text) {
    const Result<int64_t> interval = to_duration(text);
    if (!interval) {
        return interval.error();
    }
    draft.config.mvcc.watch_progress_notify_interval_ns =
        *interval == 0 ? 10 * kMinute_ns : std::max(*interval, 100 * kMillisecond_ns);
    return {};
}

std::vector<Option> auth_rows() {
    return {
        {"auth-token", "TYPE", "simple",
         "Kind of tokens: simple, or jwt,OPTION=VALUE,... with sign-method, priv-key, pub-key, "
         "ttl.",
         [](Draft& d, View v) { return keep_text(v, d.auth_token); }},
        {"bcrypt-cost", "N", "10", "Cost of hashing a password; each step doubles the time.",
         [](Draft& d, View v) {
             return keep(to_uint32(v, {4, 31}), d.config.auth.bcrypt_cost);
         }},
        {"auth-token-ttl", "SECONDS", "300", "Life of a simple token that is not used.",
         [](Draft& d, View v) {
             return keep(to_uint32(v, {1, UINT32_MAX}), d.config.auth.token_ttl_s);
         }},
    };
}

std::vector<Option> monitoring_rows() {
    return {
        {"metrics", "LEVEL", "basic", "basic, or extensive for latency histograms of every method.",
         set_metrics},
        {"enable-pprof", "", "false", "Serve Go's profiling pages.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.http.enable_pprof); },
         Group::kMonitoring, Support::kNoEffect, "there is no Go runtime to profile; use perf"},
        {"warning-apply-duration", "DURATION", "100ms", "Warn about applying that takes longer.",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.http.warning_apply_duration_ns);
         }},
        {"warning-unary-request-duration", "DURATION", "300ms",
         "Warn about requests that take longer.",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.http.warning_unary_request_duration_ns);
         }},
        {"enable-distributed-tracing", "", "false", "Export OpenTelemetry spans.",
         [](Draft&, View v) { return accept_switch(v); }, Group::kMonitoring, Support::kRefused,
         kNoTracing},
        {"distributed-tracing-address", "ADDRESS", "localhost:4317", "Address of the collector.",
         [](Draft&, View) { return Status(); }, Group::kMonitoring, Support::kNoEffect, kNoTracing},
        {"distributed-tracing-service-name", "TEXT", "etcd", "Service name in spans.",
         [](Draft&, View) { return Status(); }, Group::kMonitoring, Support::kNoEffect, kNoTracing},
        {"distributed-tracing-instance-id", "TEXT", "", "Service instance in spans.",
         [](Draft&, View) { return Status(); }, Group::kMonitoring, Support::kNoEffect, kNoTracing},
        {"distributed-tracing-sampling-rate", "N", "0", "Spans to keep out of a million.",
         set_sampling_rate, Group::kMonitoring, Support::kNoEffect, kNoTracing},
    };
}

std::vector<Option> logging_rows() {
    return {
        {"logger", "NAME", "zap", "Only zap, the shape of the log lines.", set_logger},
        {"log-outputs", "OUTPUTS", "default", "default, stderr, stdout, systemd/journal, or files.",
         set_log_outputs},
        {"log-level", "LEVELS", "info",
         "debug, info, warn, error, panic or fatal; for one module too, as raft=debug,info.",
         set_log_level},
        {"log-format", "FORMAT", "json", "json or console.", set_log_format},
        {"enable-log-rotation", "", "false",
         "Start a new log file when the one output is too large.",
         [](Draft& d, View v) { return keep(to_bool(v), d.enable_log_rotation); }},
        {"log-rotation-config-json", "JSON",
         R"({"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false})",
         "Largest size (MB), age (days) and number of log files; 0 is no limit.",
         [](Draft& d, View v) { return keep_text(v, d.log_rotation_json); }},
    };
}

std::vector<Option> check_rows() {
    return {
        {"enable-grpc-gateway", "", "true", "Serve the JSON interface under /v3.",
         [](Draft& d, View v) { return keep(to_bool(v), d.config.http.enable_grpc_gateway); }},
        {"watch-progress-notify-interval", "DURATION", "0s",
         "Time between progress notifications of quiet watches (0: 10m).", set_progress_interval},
        {"corrupt-check-time", "DURATION", "0s",
         "Time between comparisons of the data of all members (0: never).",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.mvcc.corrupt_check_interval_ns);
         }},
        {"compact-hash-check-time", "DURATION", "1m0s",
         "Time between comparisons of the hash of the members' states.",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.mvcc.compact_hash_check_interval_ns);
         }},
        {"downgrade-check-time", "DURATION", "5s", "Time between two looks at a downgrade.",
         [](Draft& d, View v) {
             return keep(to_duration(v), d.config.cluster.downgrade_check_interval_ns);
         }},
    };
}

void append(std::vector<Option>& rows, std::vector<Option> part, Group group) {
    for (Option& row : part) {
        row.group = group;
        rows.push_back(row);
    }
}

}  // namespace

std::vector<Option> service_rows() {
    std::vector<Option> rows;
    append(rows, auth_rows(), Group::kAuth);
    append(rows, monitoring_rows(), Group::kMonitoring);
    append(rows, logging_rows(), Group::kLogging);
    append(rows, check_rows(), Group::kChecks);
    return rows;
}

}  // namespace quorate::config
