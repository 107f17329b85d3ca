// SPDX-License-Identifier: Apache-2.0
//
// A client of an etcd or Quorate cluster: several endpoints with failover, a user's token that is
// fetched and renewed, TLS, deadlines. Blocks the one thread that uses it; nothing here starts a
// thread.
#pragma once

#include "base/bytes.h"
#include "base/errors.h"
#include "base/status.h"
#include "ctl/call.h"
#include "ctl/call_transport.h"
#include "ctl/endpoint.h"
#include "transport/client.h"

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::ctl {

struct ClientOptions {
    std::vector<std::string> endpoints;
    int64_t dial_timeout_ns = 2 * kSecond_ns;
    int64_t keepalive_time_ns = 2 * kSecond_ns;
    int64_t keepalive_timeout_ns = 6 * kSecond_ns;
    uint64_t send_bytes_max = 2 * 1024 * 1024;
    uint64_t receive_bytes_max = INT32_MAX;
    // TLS for endpoints that do not say; with https it is used in any case.
    bool tls = false;
    transport::Tls tls_files;
    std::string user;
    std::string password;
    std::string token;  // instead of a user: sent as it is
};

// May it be made again when the first try may have been carried out? Reads may.
enum class Repeatable : uint8_t { kNo, kYes };

struct Method {
    std::string_view path;
    Repeatable repeatable = Repeatable::kNo;
};

class Client {
  public:
    // Touches no network. errors::kUsage for endpoints and TLS files that can't be used.
    // `transport` outlives the client.
    static Result<std::unique_ptr<Client>> create(CallTransport& transport, ClientOptions options);

    // One message there, one back; tried on one endpoint after the other until the deadline. An
    // error is in the words of Go's client, with the endpoint when the network was at fault.
    template <typename Response>
    Result<Response> call(const Method& method, const google::protobuf::MessageLite& request,
                          int64_t deadline_ns) {
        const auto answer = unary(method, request.SerializeAsString(), deadline_ns);
        if (!answer) {
            return answer.error();
        }
        Response response;
        if (!response.ParseFromString(*answer)) {
            return Status(errors::kInternal, "the answer is no " + response.GetTypeName());
        }
        return response;
    }
    Result<Bytes> unary(const Method& method, ByteView request, int64_t deadline_ns);

    // A stream to the endpoint in use, with the token; what it ends with is the caller's business.
    // `requires_leader` asks the member to end it when it has lost its leader.
    struct StreamOptions {
        bool requires_leader = false;
        int64_t deadline_ns = kNever_ns;
    };
    Result<std::unique_ptr<Call>> open(std::string_view path, const StreamOptions& options);
    // After a stream's end: whether to open it again (on another endpoint, or with a new token),
    // and not before pause_ns have passed.
    bool may_reopen(const Call::End& end);
    std::string reason(const Call::End& end) const;

    const std::vector<Endpoint>& endpoints() const { return endpoints_; }
    const ClientOptions& options() const { return options_; }
    CallTransport& transport() { return transport_; }
    Waiter& waiter() { return transport_.waiter(); }
    // A connection of its own to the endpoint in use, for who makes many calls at once.
    Result<std::unique_ptr<transport::Connection>> dial() const;

  private:
    Client(CallTransport& transport, ClientOptions options)
        : transport_(transport), options_(std::move(options)) {}

    Result<std::unique_ptr<transport::Connection>> dial(const Endpoint& endpoint) const;
    Result<std::unique_ptr<Call>> begin(std::string_view path, const StreamOptions& options);
    struct Try {
        Call::End end;
        Bytes answer;
    };
    Result<Try> try_once(std::string_view path, ByteView request, int64_t deadline_ns);
    Result<Try> try_everywhere(const Method& method, ByteView request, int64_t deadline_ns);
    Status authenticate(int64_t deadline_ns);
    void next_endpoint() { current_ = (current_ + 1) % endpoints_.size(); }

    CallTransport& transport_;
    const ClientOptions options_;
    std::vector<Endpoint> endpoints_;
    std::vector<std::unique_ptr<transport::Connection>> connections_;  // one per endpoint
    size_t current_ = 0;
    std::string token_;
    bool auth_off_ = false;  // the server has said so: there is no token to get
};

// The header that tells a token, when there is one; also for calls outside of Client.
std::vector<transport::Header> call_headers(const std::string& token, bool requires_leader);

}  // namespace quorate::ctl
