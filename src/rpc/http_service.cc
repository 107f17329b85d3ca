// SPDX-License-Identifier: Apache-2.0
#include "rpc/http_service.h"

#include "base/errors.h"
#include "base/log.h"
#include "cluster/version.h"
#include "config/version.h"
#include "rpc/http_target.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>

namespace quorate::rpc {
namespace {

using transport::CallInfo;
using transport::Header;
using transport::Reply;

constexpr ByteView kText = "text/plain; charset=utf-8";
constexpr ByteView kJson = "application/json";
constexpr ByteView kMetricsText = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

void respond(Reply reply, uint32_t status, std::vector<Header> headers, ByteView body) {
    reply.respond(status, headers);
    if (!body.empty()) {
        reply.send(body);
    }
    reply.finish({});
}

void respond(Reply reply, uint32_t status, ByteView content_type, ByteView body) {
    std::vector<Header> headers = {{"content-type", content_type}};
    if (status >= 400) {
        headers.push_back(kNoSniffing);
    }
    respond(std::move(reply), status, std::move(headers), body);
}

std::string health_body(ByteView health, ByteView reason) {
    return "{\"health\":\"" + std::string(health) + "\",\"reason\":\"" + std::string(reason) +
           "\"}";
}

// What a read check does: a range for a key that nobody has.
mvcc::RangeQuery probe_query() {
    mvcc::RangeQuery query;
    query.range = {ByteView("\0", 1), {}};
    query.limit = 1;
    return query;
}

constexpr std::array<ByteView, 1> kLivezChecks = {"serializable_read"};
constexpr std::array<ByteView, 4> kReadyzChecks = {"data_corruption", "serializable_read",
                                                   "linearizable_read", "non_learner"};

}  // namespace

struct HttpService::Counters {
    explicit Counters(metrics::Registry& registry)
        : health_success(registry.counter("etcd_server_health_success",
                                          "The total number of successful health checks")),
          health_failures(registry.counter("etcd_server_health_failures",
                                           "The total number of failed health checks")) {}
    metrics::Counter& health_success;
    metrics::Counter& health_failures;
};

// One HTTP request; answered when its body has come, which these paths have no use for.
class HttpService::Request final : public transport::Call {
  public:
    Request(HttpService& service, const CallInfo& info, Pages pages, Reply reply)
        : service_(service),
          method_(info.method),
          target_(info.path),
          pages_(pages),
          reply_(std::move(reply)) {}

    void on_message(ByteView) override {}
    void on_half_close() override {
        if (reply_) {
            service_.serve(method_, target_, pages_, std::move(reply_));
        }
    }
    void on_cancel(transport::CancelReason) override {
        if (reply_) {
            reply_.finish(errors::kContextCanceled);
        }
    }

  private:
    HttpService& service_;
    const std::string method_;
    const std::string target_;
    const Pages pages_;
    Reply reply_;
};

HttpService::HttpService(node::Node& node)
    : node_(node), counters_(std::make_unique<Counters>(node.metrics())) {}
HttpService::~HttpService() = default;

std::unique_ptr<transport::Call> HttpService::on_request(const CallInfo& info, Pages pages,
                                                         Reply reply) {
    return std::make_unique<Request>(*this, info, pages, std::move(reply));
}

void HttpService::serve(ByteView method, ByteView raw_target, Pages pages, Reply reply) {
    const HttpTarget target = HttpTarget::parse(raw_target);
    const ByteView path = target.path;
    const ByteView livez = "/livez";
    const ByteView readyz = "/readyz";
    const bool is_livez = path == livez || path.starts_with("/livez/");
    const bool is_readyz = path == readyz || path.starts_with("/readyz/");
    const bool is_version = path == "/version" && pages == Pages::kAll;
    const bool is_vars = path == "/debug/vars" && pages == Pages::kAll;
    if (!is_livez && !is_readyz && !is_version && !is_vars && path != "/health" &&
        path != "/metrics") {
        respond(std::move(reply), 404, kText, "404 page not found\n");
        return;
    }
    // Figures are for whoever asks, in whatever way.
    if (method != "GET" && path != "/metrics") {
        reply.respond(405, {{"allow", "GET"}, {"content-type", kText}, kNoSniffing});
        reply.send("Method Not Allowed\n");
        reply.finish({});
        return;
    }
    if (is_version) {
        version(std::move(reply));
    } else if (is_vars) {
        variables(std::move(reply));
    } else if (path == "/metrics") {
        metrics(std::move(reply));
    } else if (path == "/health") {
        const auto serializable = target.all("serializable");
        health(target.all("exclude"), !serializable.empty() && serializable.front() == "true",
               std::move(reply));
    } else {
        const ByteView kind = is_livez ? "livez" : "readyz";
        // Nothing, or the check that is meant, which "/livez/" does not name.
        const auto only = path.size() == kind.size() + 1
                              ? std::nullopt
                              : std::optional(path.substr(kind.size() + 2));
        probe(kind, only, target.all("exclude"), target.has("verbose"), std::move(reply));
    }
}

void HttpService::version(Reply reply) {
    respond(std::move(reply), 200, kJson, version_page(*node_.members()));
}

// Of what etcd shows there, all that is not about Go.
void HttpService::variables(Reply reply) {
    const node::NodeStatus& status = node_.status();
    const char* const role = status.leads()              ? "StateLeader"
                             : status.leader.load() == 0 ? "StateCandidate"
                                                         : "StateFollower";
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const std::string body =
        "{\n\"file_descriptor_limit\": " + std::to_string(limit.rlim_cur) +
        ",\n\"raft.status\": {\"id\":\"" + cluster::format_id(node_.identity().member_id) +
        "\",\"term\":" + std::to_string(status.term.load()) +
        ",\"commit\":" + std::to_string(status.committed.load()) + ",\"lead\":\"" +
        cluster::format_id(status.leader.load()) + "\",\"raftState\":\"" + role +
        "\",\"applied\":" + std::to_string(status.applied.load()) + "}\n}\n";
    respond(std::move(reply), 200, "application/json; charset=utf-8", body);
}

void HttpService::metrics(Reply reply) {
    respond(std::move(reply), 200, kMetricsText, node_.metrics().expose());
}

void HttpService::health(const std::vector<std::string>& excluded, bool serializable, Reply reply) {
    const auto is_excluded = [&](ByteView name) {
        return std::find(excluded.begin(), excluded.end(), name) != excluded.end();
    };
    const auto answer = [this](Reply to, ByteView failure) {
        // JSON that is called text, and ends with a line's end when it is an error's: as in etcd.
        if (failure.empty()) {
            counters_->health_success.add();
            respond(std::move(to), 200, kText, health_body("true", {}));
        } else {
            counters_->health_failures.add();
            respond(std::move(to), 503, kText, health_body("false", failure) + "\n");
        }
    };
    const node::NodeStatus& status = node_.status();
    if (status.alarm_no_space.load() && !is_excluded("NOSPACE")) {
        answer(std::move(reply), "ALARM NOSPACE");
        return;
    }
    if (status.alarm_corrupt.load() && !is_excluded("CORRUPT")) {
        answer(std::move(reply), "ALARM CORRUPT");
        return;
    }
    if (!serializable && status.leader.load() == 0) {
        answer(std::move(reply), "RAFT NO LEADER");
        return;
    }
    const auto read = [this, answer](const Status& confirmed, Reply to) {
        Status result = confirmed;
        if (result.ok()) {
            result = node_.store().range(probe_query()).error();
        }
        answer(std::move(to), result.ok() ? std::string() : "RANGE ERROR:" + result.message());
    };
    if (serializable || node_.reads_confirmed()) {
        read({}, std::move(reply));
        return;
    }
    node_.confirm_read([read, reply = std::move(reply)](const Status& confirmed) mutable {
        read(confirmed, std::move(reply));
    });
}

namespace {

struct Check {
    std::string name;
    std::string failure;  // empty: ok
};

std::string verbose_lines(const std::vector<Check>& checks) {
    std::string body;
    for (const Check& check : checks) {
        body += check.failure.empty() ? "[+]" + check.name + " ok\n"
                                      : "[-]" + check.name + " failed: " + check.failure + "\n";
    }
    return body;
}

void answer_probe(metrics::Registry& registry, const std::string& kind,
                  const std::vector<Check>& checks, bool verbose, Reply reply) {
    bool ok = true;
    for (const Check& check : checks) {
        const bool passed = check.failure.empty();
        ok = ok && passed;
        registry
            .gauge("etcd_server_healthcheck", "The result of each kind of healthcheck.",
                   {{"name", check.name}, {"type", kind}})
            .set(passed ? 1 : 0);
        registry
            .counter(
                "etcd_server_healthchecks_total", "The total number of each kind of healthcheck.",
                {{"name", check.name}, {"status", passed ? "success" : "error"}, {"type", kind}})
            .add();
        if (!passed) {
            log::error("health check failed",
                       {{"type", kind}, {"check", check.name}, {"error", check.failure}});
        }
    }
    if (ok) {
        respond(std::move(reply), 200, {{"content-type", kText}, kNoSniffing},
                (verbose ? verbose_lines(checks) : "") + "ok\n");
        return;
    }
    respond(std::move(reply), 503, kText, verbose_lines(checks) + "\n");
}

}  // namespace

void HttpService::probe(ByteView kind, std::optional<ByteView> only,
                        const std::vector<std::string>& excluded, bool verbose, Reply reply) {
    std::vector<ByteView> names;
    if (kind == "livez") {
        names.assign(kLivezChecks.begin(), kLivezChecks.end());
    } else {
        names.assign(kReadyzChecks.begin(), kReadyzChecks.end());
    }
    if (only) {
        if (std::find(names.begin(), names.end(), *only) == names.end()) {
            respond(std::move(reply), 404, kText, "404 page not found\n");
            return;
        }
        names.assign(1, *only);
    }
    for (const std::string& name : excluded) {
        if (std::erase(names, ByteView(name)) == 0) {
            log::warn("some health checks cannot be excluded", {{"missing-health-checks", name}});
        }
    }
    std::vector<Check> checks;
    bool linearizable = false;
    for (const ByteView name : names) {
        Check check{std::string(name), {}};
        if (name == "data_corruption" && node_.status().alarm_corrupt.load()) {
            check.failure = "alarm activated: CORRUPT";
        } else if (name == "serializable_read") {
            check.failure = node_.store().range(probe_query()).error().message();
        } else if (name == "non_learner" && node_.status().is_learner.load()) {
            check.failure = "not supported for learner";
        } else if (name == "linearizable_read") {
            linearizable = true;
        }
        checks.push_back(std::move(check));
    }
    if (!linearizable || node_.reads_confirmed()) {
        answer_probe(node_.metrics(), std::string(kind), checks, verbose, std::move(reply));
        return;
    }
    node_.confirm_read([this, kind = std::string(kind), checks, verbose,
                        reply = std::move(reply)](const Status& confirmed) mutable {
        for (Check& check : checks) {
            if (check.name == "linearizable_read") {
                check.failure = confirmed.message();
            }
        }
        answer_probe(node_.metrics(), kind, checks, verbose, std::move(reply));
    });
}

std::string version_page(const cluster::List& list) {
    const std::string& cluster = list.cluster_version;
    const std::string storage = cluster::storage_version(list);
    return "{\"etcdserver\":\"" + std::string(config::kEtcdVersion) + "\",\"etcdcluster\":\"" +
           (cluster.empty() ? "not_decided" : cluster) + "\",\"storage\":\"" +
           (storage.empty() ? "unknown" : storage) + "\"}";
}

}  // namespace quorate::rpc
