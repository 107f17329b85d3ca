// SPDX-License-Identifier: Apache-2.0
#include "node/discovery.h"

#include "base/errors.h"
#include "base/log.h"
#include "base/url.h"
#include "cluster/member.h"
#include "config/initial_cluster.h"
#include "node/discovery_registry.h"
#include "node/identity.h"
#include "rpc.pb.h"
#include "transport/client.h"
#include "transport/unary.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace quorate::node {
namespace {

using config::InitialMember;

constexpr ByteView kRangePath = "/etcdserverpb.KV/Range";
constexpr ByteView kPutPath = "/etcdserverpb.KV/Put";
constexpr ByteView kAuthenticatePath = "/etcdserverpb.Auth/Authenticate";
constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr auto kLook = std::chrono::milliseconds(50);
constexpr int kLooksBetweenQuestions = 10;
constexpr int kRounds = 4;  // through all endpoints, until the registry counts as unreachable
constexpr int64_t kMembersMax = 2000;

uint32_t milliseconds(int64_t ns) {
    return static_cast<uint32_t>(
        std::clamp<int64_t>(ns / kMillisecond_ns, 1, std::numeric_limits<int32_t>::max()));
}

// Whether another endpoint may do better.
bool is_unreachable(const Status& status) {
    return status.code() == Code::kUnavailable || status.code() == Code::kDeadlineExceeded ||
           status.code() == Code::kCanceled;
}

Result<transport::DialOptions> dial_options(const config::DiscoveryConfig& discovery,
                                            const std::string& endpoint) {
    const bool has_scheme = endpoint.find("://") != std::string::npos;
    const auto url = Url::parse(has_scheme ? endpoint : "http://" + endpoint);
    if (!url || url->is_unix()) {
        return Status(errors::kConfig,
                      "discovery-endpoints: \"" + endpoint +
                          "\" must be host:port, http://host:port or https://host:port");
    }
    const bool with_tls = has_scheme
                              ? url->is_tls()
                              : !discovery.insecure_transport || !discovery.cert_file.empty() ||
                                    !discovery.trusted_ca_file.empty();
    transport::DialOptions options;
    options.host = url->host;
    options.port = url->port;
    options.connect_timeout_ms = milliseconds(discovery.dial_timeout_ns);
    options.keepalive_ms = milliseconds(discovery.keepalive_time_ns);
    options.keepalive_timeout_ms = milliseconds(discovery.keepalive_timeout_ns);
    if (with_tls) {
        options.tls = std::make_unique<transport::Tls>();
        options.tls->cert_file = discovery.cert_file;
        options.tls->key_file = discovery.key_file;
        options.tls->ca_file = discovery.trusted_ca_file;
        options.tls->skip_verification = discovery.insecure_skip_tls_verify;
    }
    return options;
}

// The registry through whichever endpoint answers.
class Registry {
  public:
    Registry(transport::Transport& transport, const config::DiscoveryConfig& discovery,
             const std::function<bool()>& give_up)
        : transport_(transport), discovery_(discovery), give_up_(give_up) {}

    Result<etcdserverpb::RangeResponse> range(const etcdserverpb::RangeRequest& request) {
        return parse<etcdserverpb::RangeResponse>(ask(kRangePath, request.SerializeAsString()));
    }
    Status put(const etcdserverpb::PutRequest& request) {
        return ask(kPutPath, request.SerializeAsString()).error();
    }

    // Sleeps, unless that is interrupted.
    Status pause(int looks) {
        for (int i = 0; i < looks; ++i) {
            if (give_up_()) {
                return {errors::kStopped, "stopped while the members were being discovered"};
            }
            std::this_thread::sleep_for(kLook);
        }
        return {};
    }

    const std::string& endpoint() const { return discovery_.endpoints[current_]; }

  private:
    template <typename Message>
    Result<Message> parse(const Result<Bytes>& answer) const {
        if (!answer) {
            return answer.error();
        }
        Message message;
        if (!message.ParseFromString(*answer)) {
            return Status(errors::kConfig, "discovery: " + endpoint() + " is no etcd");
        }
        return message;
    }

    Result<Bytes> ask(ByteView path, const Bytes& request) {
        std::string reasons;
        for (int round = 0; round < kRounds; ++round) {
            reasons.clear();
            for (size_t i = 0; i < discovery_.endpoints.size(); ++i) {
                auto answer = ask_current(path, request);
                if (answer || !is_unreachable(answer.error())) {
                    return answer;
                }
                reasons +=
                    (reasons.empty() ? "" : "; ") + endpoint() + ": " + answer.error().message();
                connection_.reset();
                current_ = (current_ + 1) % discovery_.endpoints.size();
            }
            log::warn("no endpoint of the discovery service answers", {{"reasons", reasons}});
            if (round + 1 == kRounds) {
                break;
            }
            if (Status s = pause(kLooksBetweenQuestions << round); !s.ok()) {
                return s;
            }
        }
        return Status(errors::kUnavailable, "discovery: no endpoint answers (" + reasons +
                                                "); check --discovery-endpoints, or list the "
                                                "members in --initial-cluster");
    }

    Result<Bytes> ask_current(ByteView path, const Bytes& request) {
        if (connection_ == nullptr) {
            if (Status s = connect(); !s.ok()) {
                return s;
            }
        }
        transport::CallStart start;
        start.path = path;
        start.timeout_ms = milliseconds(discovery_.request_timeout_ns);
        if (!token_.empty()) {
            start.headers = {{"token", token_}};
        }
        return transport::call_and_wait(transport_, *connection_, start, request);
    }

    Status connect() {
        auto options = dial_options(discovery_, endpoint());
        if (!options) {
            return options.error();
        }
        auto connection = transport_.client()->dial(*options);
        if (!connection) {
            return connection.error();
        }
        connection_ = std::move(connection).value();
        token_.clear();
        return discovery_.user.empty() ? Status() : authenticate();
    }

    Status authenticate() {
        etcdserverpb::AuthenticateRequest request;
        request.set_name(discovery_.user);
        request.set_password(discovery_.password);
        auto answer = parse<etcdserverpb::AuthenticateResponse>(
            ask_current(kAuthenticatePath, request.SerializeAsString()));
        if (!answer) {
            connection_.reset();
            return answer.error();
        }
        token_ = answer->token();
        return {};
    }

    transport::Transport& transport_;
    const config::DiscoveryConfig& discovery_;
    const std::function<bool()>& give_up_;
    std::unique_ptr<transport::Connection> connection_;
    std::string token_;
    size_t current_ = 0;
};

class Discovery {
  public:
    Discovery(transport::Transport& transport, const config::Config& config, uint64_t member_id,
              const std::function<bool()>& give_up)
        : config_(config),
          keys_(config.discovery.token),
          own_key_(keys_.own(member_id)),
          registry_(transport, config.discovery, give_up) {}

    Result<std::vector<InitialMember>> run() {
        const auto size = read_size();
        if (!size) {
            return size.error();
        }
        // Not when it is full without us: nothing would be left for this entry but to confuse.
        if (auto before = read_founders(*size); !before) {
            return before;
        }
        if (Status s = register_self(); !s.ok()) {
            return s;
        }
        return wait_for_others(*size);
    }

  private:
    Result<size_t> read_size() {
        etcdserverpb::RangeRequest request;
        request.set_key(keys_.size);
        const auto answer = registry_.range(request);
        if (!answer) {
            return explained(answer.error());
        }
        if (answer->kvs().empty()) {
            return Status(errors::kConfig,
                          "discovery: size key not found: " + registry_.endpoint() +
                              " does not know the cluster of --discovery-token; make it known with "
                              "\"etcdctl put " +
                              keys_.size + " SIZE\"");
        }
        return parse_cluster_size(answer->kvs(0).value(), keys_.size);
    }

    Result<std::vector<InitialMember>> read_founders(size_t size) {
        etcdserverpb::RangeRequest request;
        request.set_key(keys_.members + "/");
        request.set_range_end(keys_.members + "0");  // what follows the slash
        request.set_limit(kMembersMax);
        const auto answer = registry_.range(request);
        if (!answer) {
            return explained(answer.error());
        }
        std::vector<Registration> registrations;
        for (const auto& kv : answer->kvs()) {
            registrations.push_back({kv.key(), kv.value(), kv.create_revision()});
        }
        return founders(std::move(registrations), size, own_key_);
    }

    Status register_self() {
        etcdserverpb::PutRequest request;
        request.set_key(own_key_);
        request.set_value(config::format_initial_cluster(config_.cluster.initial_cluster));
        if (Status s = registry_.put(request); !s.ok()) {
            return explained(s);
        }
        log::info("registered at the discovery service",
                  {{"endpoint", registry_.endpoint()}, {"member", request.value()}});
        return {};
    }

    Result<std::vector<InitialMember>> wait_for_others(size_t size) {
        size_t seen = 0;
        while (true) {
            auto found = read_founders(size);
            if (found && found->size() == size) {
                return found;
            }
            if (!found && !is_unreachable(found.error())) {
                return found;
            }
            if (found && found->size() != seen) {
                seen = found->size();
                log::info("waiting for the other members of the cluster",
                          {{"size", size}, {"registered", seen}});
            }
            if (Status s = registry_.pause(kLooksBetweenQuestions); !s.ok()) {
                return s;
            }
        }
    }

    // What the registry refuses, with whom it concerns.
    Status explained(const Status& status) const {
        if (is_unreachable(status) || status.is(errors::kConfig) || status.is(errors::kStopped)) {
            return status;
        }
        return {errors::kConfig,
                "discovery: " + registry_.endpoint() + " refuses: " + status.message()};
    }

    const config::Config& config_;
    const RegistryKeys keys_;
    const std::string own_key_;
    Registry registry_;
};

}  // namespace

Result<std::vector<InitialMember>> discover_founders(transport::Transport& transport,
                                                     const config::Config& config,
                                                     const std::function<bool()>& give_up) {
    // As long as the others are not known, the configuration has this member alone.
    const auto self = derive_identity(config);
    if (!self) {
        return self.error();
    }
    return Discovery(transport, config, self->member_id, give_up).run();
}

}  // namespace quorate::node
