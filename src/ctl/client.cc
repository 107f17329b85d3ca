// SPDX-License-Identifier: Apache-2.0
#include "ctl/client.h"

#include "config/version.h"
#include "ctl/exit.h"
#include "rpc.pb.h"

#include <algorithm>
#include <map>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr std::string_view kAuthenticate = "/etcdserverpb.Auth/Authenticate";
constexpr int64_t kPauseMin_ns = 25 * kMillisecond_ns;
constexpr int64_t kPauseMax_ns = 500 * kMillisecond_ns;
constexpr int kLoginsMax = 3;  // for one call

uint32_t milliseconds(int64_t ns, uint32_t least) {
    const int64_t ms = (ns + kMillisecond_ns - 1) / kMillisecond_ns;
    return static_cast<uint32_t>(std::clamp<int64_t>(ms, least, INT32_MAX));
}

bool is_text(const Call::End& end, const ErrorDef& def) {
    return end.text == def.text;
}

// The token has expired, or users have changed since it was given.
bool needs_login(const Call::End& end) {
    return is_text(end, errors::kInvalidAuthToken) || is_text(end, errors::kAuthOldRevision);
}

bool is_lost(const Call::End& end) {
    return end.code == Code::kUnavailable;
}

}  // namespace

std::vector<transport::Header> call_headers(const std::string& token, bool requires_leader) {
    std::vector<transport::Header> headers = {{"client-api-version", config::kEtcdVersion}};
    if (!token.empty()) {
        headers.push_back({"token", token});
    }
    if (requires_leader) {
        headers.push_back({"hasleader", "true"});
    }
    return headers;
}

Result<std::unique_ptr<Client>> Client::create(CallTransport& transport, ClientOptions options) {
    std::unique_ptr<Client> client(new Client(transport, std::move(options)));
    client->token_ = client->options_.token;
    for (const std::string& text : client->options_.endpoints) {
        auto endpoint = Endpoint::parse(text);
        if (!endpoint) {
            return endpoint.error();
        }
        auto connection = client->dial(*endpoint);
        if (!connection) {
            // Nothing was dialled yet: the TLS files can't be used.
            return Status(errors::kUsage, connection.error().message());
        }
        client->endpoints_.push_back(std::move(*endpoint));
        client->connections_.push_back(std::move(connection).value());
    }
    if (client->endpoints_.empty()) {
        return Status(errors::kUsage, "no endpoint is given: --endpoints is empty");
    }
    return client;
}

Result<std::unique_ptr<transport::Connection>> Client::dial() const {
    return dial(endpoints_[current_]);
}

Result<std::unique_ptr<transport::Connection>> Client::dial(const Endpoint& endpoint) const {
    transport::DialOptions dial;
    dial.host = endpoint.url.is_unix() ? "unix:" + endpoint.url.path : endpoint.url.host;
    dial.port = endpoint.url.port;
    dial.connect_timeout_ms = milliseconds(options_.dial_timeout_ns, 1);
    dial.keepalive_ms = milliseconds(options_.keepalive_time_ns, 0);
    dial.keepalive_timeout_ms = milliseconds(options_.keepalive_timeout_ns, 1);
    dial.receive_bytes_max = options_.receive_bytes_max;
    dial.send_buffer_bytes = std::max<uint64_t>(options_.send_bytes_max * 2, 4 * 1024 * 1024);
    dial.stream_window_bytes = 4 * 1024 * 1024;
    dial.connection_window_bytes = 16 * 1024 * 1024;
    if (endpoint.tls == EndpointTls::kAlways ||
        (endpoint.tls == EndpointTls::kIfConfigured && options_.tls)) {
        dial.tls = std::make_unique<transport::Tls>(options_.tls_files);
    }
    return transport_.calls().dial(dial);
}

Result<std::unique_ptr<Call>> Client::begin(std::string_view path, const StreamOptions& options) {
    transport::CallStart start{.path = path,
                               .headers = call_headers(token_, options.requires_leader)};
    if (options.deadline_ns != kNever_ns) {
        start.timeout_ms = milliseconds(options.deadline_ns - now_ns(), 1);
    }
    return Call::start(transport_, *connections_[current_], start);
}

Result<Client::Try> Client::try_once(std::string_view path, ByteView request, int64_t deadline_ns) {
    auto call = begin(path, {.requires_leader = false, .deadline_ns = deadline_ns});
    if (!call) {
        return call.error();
    }
    (*call)->send(request);
    (*call)->half_close();
    Try result;
    while (true) {
        if (auto message = (*call)->take()) {
            result.answer = std::move(*message);
        } else if (const Call::End* end = (*call)->end()) {
            result.end = *end;
            return result;
        } else {
            // The transport ends the call at the deadline.
            waiter().wait(kNever_ns);
        }
    }
}

// From endpoint to endpoint while nobody can have carried the request out.
Result<Client::Try> Client::try_everywhere(const Method& method, ByteView request,
                                           int64_t deadline_ns) {
    std::map<std::string, std::string> reasons;
    int64_t pause_ns = kPauseMin_ns;
    for (size_t tries = 1;; ++tries) {
        auto result = try_once(method.path, request, deadline_ns);
        if (!result) {
            return result.error();
        }
        const Call::End& end = result->end;
        const bool again =
            is_lost(end) && (end.never_sent || method.repeatable == Repeatable::kYes);
        if (is_lost(end)) {
            reasons[endpoints_[current_].text] = end.text;
            next_endpoint();
        }
        if (!again && end.code != Code::kDeadlineExceeded) {
            return result;
        }
        if (tries % endpoints_.size() == 0 && again) {
            const int64_t until_ns = std::min(deadline_ns, now_ns() + pause_ns);
            while (now_ns() < until_ns) {
                waiter().wait(until_ns);
            }
            pause_ns = std::min(pause_ns * 2, kPauseMax_ns);
        }
        if (!again || now_ns() >= deadline_ns) {
            std::string text(errors::kContextDeadline.text);
            if (!again) {
                reasons.try_emplace(endpoints_[current_].text, "no answer in time");
            }
            for (const auto& [endpoint, reason] : reasons) {
                text += "; " + endpoint + ": " + reason;
            }
            return Status::from_wire(static_cast<uint32_t>(Code::kDeadlineExceeded), text);
        }
    }
}

Status Client::authenticate(int64_t deadline_ns) {
    etcdserverpb::AuthenticateRequest request;
    request.set_name(options_.user);
    request.set_password(options_.password);
    token_.clear();
    const auto result =
        try_everywhere({kAuthenticate, Repeatable::kYes}, request.SerializeAsString(), deadline_ns);
    if (!result) {
        return result.error();
    }
    if (is_text(result->end, errors::kAuthNotEnabled)) {
        auth_off_ = true;
        return {};
    }
    if (result->end.code != Code::kOk) {
        return {kLoginFailed, server_error(result->end.code, result->end.text).message()};
    }
    etcdserverpb::AuthenticateResponse response;
    if (!response.ParseFromString(result->answer)) {
        return {errors::kInternal, "the answer is no " + response.GetTypeName()};
    }
    token_ = response.token();
    return {};
}

Result<Bytes> Client::unary(const Method& method, ByteView request, int64_t deadline_ns) {
    if (request.size() > options_.send_bytes_max) {
        return server_error(Code::kResourceExhausted, "trying to send message larger than max (" +
                                                          std::to_string(request.size()) + " vs. " +
                                                          std::to_string(options_.send_bytes_max) +
                                                          ")");
    }
    for (int logins = 0;; ++logins) {
        if (!options_.user.empty() && token_.empty() && !auth_off_) {
            if (Status s = authenticate(deadline_ns); !s.ok()) {
                return s;
            }
        }
        auto result = try_everywhere(method, request, deadline_ns);
        if (!result) {
            return result.error();
        }
        if (result->end.code == Code::kOk) {
            return std::move(result->answer);
        }
        if (options_.user.empty() || !needs_login(result->end) || logins == kLoginsMax) {
            return server_error(result->end.code, result->end.text);
        }
        token_.clear();
        auth_off_ = false;
    }
}

Result<std::unique_ptr<Call>> Client::open(std::string_view path, const StreamOptions& options) {
    if (!options_.user.empty() && token_.empty() && !auth_off_) {
        const int64_t deadline_ns = std::min(
            options.deadline_ns, now_ns() + std::max(options_.dial_timeout_ns, kSecond_ns));
        if (Status s = authenticate(deadline_ns); !s.ok()) {
            return s;
        }
    }
    return begin(path, options);
}

bool Client::may_reopen(const Call::End& end) {
    if (needs_login(end) && !options_.user.empty()) {
        token_.clear();
        auth_off_ = false;
        return true;
    }
    if (end.code == Code::kUnavailable || end.code == Code::kInternal || end.code == Code::kOk) {
        next_endpoint();
        return true;
    }
    return false;
}

std::string Client::reason(const Call::End& end) const {
    return endpoints_[current_].text + ": " +
           (end.text.empty() ? std::string("the stream has ended") : end.text);
}

}  // namespace quorate::ctl
