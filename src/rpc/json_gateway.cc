// SPDX-License-Identifier: Apache-2.0
#include "rpc/json_gateway.h"

#include "base/errors.h"
#include "rpc/json_reader.h"
#include "rpc/json_routes.h"
#include "rpc/json_scan.h"
#include "rpc/json_writer.h"
#include "rpc/method_descriptors.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace quorate::rpc {
namespace {

using google::protobuf::MethodDescriptor;
using transport::CallInfo;
using transport::Header;
using transport::Reply;
using transport::SendResult;

std::string error_object(const Status& status) {
    std::string body =
        "{\"code\":" + std::to_string(static_cast<int>(status.code())) + ",\"message\":";
    append_json_string(status.message(), body);
    body.push_back('}');
    return body;
}

void respond(Reply& reply, uint32_t http, const Status& failure, const std::string& body) {
    std::vector<Header> headers = {{"content-type", "application/json"}};
    const std::string message = failure.message();
    if (failure.code() == Code::kUnauthenticated) {
        headers.push_back({"www-authenticate", message});
    }
    reply.respond(http, headers);
    reply.send(body);
}

void refuse(Reply reply, const Status& failure) {
    respond(reply, http_status(failure.code()), failure, error_object(failure));
    reply.finish({});
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_ignoring_case(ByteView a, ByteView b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return lower(x) == lower(y); });
}

// The call's metadata: what HTTP clients may set of it.
std::vector<std::pair<Bytes, Bytes>> metadata_of(const CallInfo& info) {
    constexpr ByteView kPrefix = "grpc-metadata-";
    std::vector<std::pair<Bytes, Bytes>> metadata;
    for (const Header& header : info.headers) {
        if (equals_ignoring_case(header.name, "authorization")) {
            metadata.emplace_back("authorization", header.value);
        } else if (header.name.size() > kPrefix.size() &&
                   equals_ignoring_case(header.name.substr(0, kPrefix.size()), kPrefix)) {
            metadata.emplace_back(header.name.substr(kPrefix.size()), header.value);
        }
    }
    return metadata;
}

bool is_websocket(const CallInfo& info) {
    return info.method == "GET" && equals_ignoring_case(info.header("upgrade"), "websocket");
}

ByteView trimmed(ByteView text) {
    const size_t first = text.find_first_not_of(' ');
    return first == ByteView::npos ? ByteView()
                                   : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// As etcd's clients in browsers give it: the protocol "Bearer, TOKEN", or the cookie "token".
std::optional<Bytes> websocket_token(const CallInfo& info) {
    constexpr ByteView kCookie = "token=";
    ByteView cookies = info.header("cookie");
    while (!cookies.empty()) {
        const size_t end = std::min(cookies.find(';'), cookies.size());
        const ByteView cookie = trimmed(cookies.substr(0, end));
        if (cookie.starts_with(kCookie)) {
            return Bytes(cookie.substr(kCookie.size()));
        }
        cookies.remove_prefix(std::min(end + 1, cookies.size()));
    }
    constexpr ByteView kBearer = "Bearer,";
    const ByteView protocols = info.header("sec-websocket-protocol");
    const size_t at = protocols.find(kBearer);
    return at == ByteView::npos
               ? std::nullopt
               : std::optional(Bytes(trimmed(protocols.substr(at + kBearer.size()))));
}

}  // namespace

uint32_t http_status(Code code) {
    switch (code) {
        case Code::kOk:
            return 200;
        case Code::kCanceled:
            return 499;
        case Code::kInvalidArgument:
        case Code::kFailedPrecondition:
        case Code::kOutOfRange:
            return 400;
        case Code::kDeadlineExceeded:
            return 504;
        case Code::kNotFound:
            return 404;
        case Code::kAlreadyExists:
        case Code::kAborted:
            return 409;
        case Code::kPermissionDenied:
            return 403;
        case Code::kUnauthenticated:
            return 401;
        case Code::kResourceExhausted:
            return 429;
        case Code::kUnimplemented:
            return 501;
        case Code::kUnavailable:
            return 503;
        case Code::kUnknown:
        case Code::kInternal:
        case Code::kDataLoss:
            return 500;
    }
    return 500;
}

struct JsonGateway::Method {
    std::string grpc_path;
    const JsonMessage& request;
    const JsonMessage& answer;
    bool takes_stream;
    bool answers_stream;
};

// Why a WebSocket's call ends, when it is the gateway that ends it. Both sides of the call know it.
struct JsonGateway::Verdict {
    std::mutex mutex;
    Status status;
};

// The channel under the Reply that a method gets: turns its messages into JSON on the HTTP reply
// below. Owned by that Reply: it goes when the method finishes the call.
class JsonGateway::Answer final : public Reply::Channel {
  public:
    // `verdict`: of a WebSocket, whose answer has begun with its handshake; else null.
    Answer(const Method& method, Reply http, std::shared_ptr<Verdict> verdict)
        : method_(method),
          http_(std::move(http)),
          verdict_(std::move(verdict)),
          begun_(verdict_ != nullptr) {}

    SendResult send(ByteView message) override {
        return write(message) ? http_.send(body_) : SendResult::kGone;
    }

    void respond(uint32_t, const std::vector<Header>&) override {}

    void finish(const Status& status) override {
        const std::unique_ptr<Answer> self(this);
        Status outcome = failed_.ok() ? status : failed_;
        if (verdict_ != nullptr) {
            const std::lock_guard lock(verdict_->mutex);
            outcome = verdict_->status.ok() ? outcome : verdict_->status;
        }
        if (!outcome.ok()) {
            fail(outcome);
        }
        http_.finish({});
    }

    // The usual answer of a unary method: with its end, so that both travel as one.
    void reply(ByteView message) override {
        if (verdict_ != nullptr) {
            send(message);
            finish({});
        } else if (write(message)) {
            const std::unique_ptr<Answer> self(this);
            http_.reply(body_);
        } else {
            finish({});  // as failed_ says
        }
    }

    // A request's body has been delivered whole; its number of messages has a bound of its own.
    void hold(bool held) override {
        if (verdict_ != nullptr) {
            http_.hold(held);
        }
    }

  private:
    // Begins the answer and puts the message into body_, or says why in failed_.
    bool write(ByteView message) {
        body_.clear();
        if (method_.answers_stream) {
            body_ += "{\"result\":";
        }
        if (Status s = append_json(method_.answer, message, body_); !s.ok()) {
            failed_ = std::move(s);
            return false;
        }
        if (!std::exchange(begun_, true)) {
            http_.respond(200, {{"content-type", "application/json"},
                                {"grpc-metadata-content-type", "application/grpc"}});
        }
        if (method_.answers_stream) {
            body_ += "}\n";
        }
        return true;
    }

    void fail(const Status& status) {
        std::string body = error_object(status);
        if (method_.answers_stream || verdict_ != nullptr) {
            body = "{\"error\":" + body + "}\n";
        }
        if (std::exchange(begun_, true)) {
            http_.send(body);
        } else {
            rpc::respond(http_, http_status(status.code()), status, body);
        }
    }

    const Method& method_;
    Reply http_;
    const std::shared_ptr<Verdict> verdict_;
    std::string body_;
    Status failed_;
    bool begun_;
};

// One HTTP request. It becomes a call of the method when its body is there and is what it should
// be.
class JsonGateway::Request final : public transport::Call {
  public:
    // `timeout_ns`: 0: none.
    Request(JsonGateway& gateway, const Method& method, const CallInfo& info, int64_t timeout_ns,
            Reply reply)
        : gateway_(gateway),
          method_(method),
          timeout_ns_(timeout_ns),
          reply_(std::move(reply)),
          listener_(info.listener),
          peer_(info.peer),
          authority_(info.authority),
          metadata_(metadata_of(info)) {
        if (is_websocket(info)) {
            become_websocket(info);
        }
    }

    void on_message(ByteView body) override {
        if (verdict_ != nullptr) {
            take_from_websocket(body);
            return;
        }
        std::vector<Bytes> messages;
        if (Status s = decode(body, messages); !s.ok()) {
            refuse(std::move(reply_), s);
            return;
        }
        start();
        for (const Bytes& message : messages) {
            if (inner_ != nullptr) {
                inner_->on_message(message);
            }
        }
    }

    void on_half_close() override {
        if (inner_ != nullptr) {
            inner_->on_half_close();
        }
    }

    void on_cancel(transport::CancelReason reason) override {
        if (inner_ != nullptr) {
            inner_->on_cancel(reason);
        }
    }

    void on_writable() override {
        if (inner_ != nullptr) {
            inner_->on_writable();
        }
    }

  private:
    // For a single message, an empty body means an empty message and what follows the first value
    // is left alone, as in etcd. Of a stream, everything up to the first mistake counts.
    Status decode(ByteView body, std::vector<Bytes>& messages) const {
        if (!method_.takes_stream) {
            auto message = decode_one(body);
            if (!message) {
                return message.error();
            }
            messages.push_back(std::move(*message).value_or(Bytes()));
            return {};
        }
        while (true) {
            auto message = decode_one(body);
            if (!message) {
                return messages.empty() ? message.error() : Status();
            }
            if (!*message) {
                return {};
            }
            if (messages.size() == kJsonStreamMessagesMax) {
                return {errors::kInvalidArgument, "too many messages in one request; at most " +
                                                      std::to_string(kJsonStreamMessagesMax) +
                                                      " are taken"};
            }
            messages.push_back(std::move(**message));
        }
    }

    // Nothing at the end of the body.
    Result<std::optional<Bytes>> decode_one(ByteView& body) const {
        const auto value = take_json_value(body);
        if (!value) {
            return value.error();
        }
        if (!*value) {
            return std::optional<Bytes>();
        }
        auto message = json_to_message(method_.request, **value);
        if (!message) {
            return message.error();
        }
        return std::optional<Bytes>(std::move(*message));
    }

    // The token may come in the header that browsers let a page set.
    void become_websocket(const CallInfo& info) {
        const ByteView protocols = info.header("sec-websocket-protocol");
        if (const auto token = websocket_token(info)) {
            std::erase_if(metadata_, [](const auto& one) { return one.first == "authorization"; });
            metadata_.emplace_back("authorization", *token);
        }
        std::vector<Header> headers;
        if (protocols.starts_with("Bearer")) {
            headers.push_back({"sec-websocket-protocol", "Bearer"});
        }
        reply_.respond(101, headers);
        verdict_ = std::make_shared<Verdict>();
        start();
    }

    // A mistake ends the call, and its last message says which.
    void take_from_websocket(ByteView body) {
        std::vector<Bytes> messages;
        const Status s = decode(body, messages);
        for (const Bytes& message : messages) {
            if (inner_ != nullptr) {
                inner_->on_message(message);
            }
        }
        if (!s.ok() && inner_ != nullptr) {
            {
                const std::lock_guard lock(verdict_->mutex);
                verdict_->status = s;
            }
            inner_->on_cancel(transport::CancelReason::kPeer);
            inner_ = nullptr;
        }
    }

    void start() {
        CallInfo info{};
        info.protocol = transport::Protocol::kGrpc;
        info.listener = listener_;
        info.method = "POST";
        info.path = method_.grpc_path;
        info.authority = authority_;
        info.peer = peer_;
        // Without the certificate's name, which does not log in through the gateway.
        for (const auto& [name, value] : metadata_) {
            info.headers.push_back({name, value});
        }
        Answer* answer = std::make_unique<Answer>(method_, std::move(reply_), verdict_).release();
        const auto open = [&](Reply to) { return gateway_.router_.on_call(info, std::move(to)); };
        inner_ = timeout_ns_ == 0 ? open(Reply(answer))
                                  : gateway_.timeouts_.begin(timeout_ns_, Reply(answer), open);
    }

    JsonGateway& gateway_;
    const Method& method_;
    const int64_t timeout_ns_;
    Reply reply_;  // until the call is made
    const uint32_t listener_;
    const Bytes peer_;
    const Bytes authority_;
    std::vector<std::pair<Bytes, Bytes>> metadata_;
    std::shared_ptr<Verdict> verdict_;  // of a WebSocket
    std::unique_ptr<transport::Call> inner_;
};

JsonGateway::JsonGateway(transport::Handler& router, const Clock& clock)
    : router_(router), timeouts_(clock) {
    for (const JsonRoute& route : kJsonRoutes) {
        const MethodDescriptor* found = find_method(route.service, route.method);
        QUORATE_ASSERT(found != nullptr);
        auto method = std::make_unique<Method>(
            Method{"/" + std::string(route.service) + "/" + std::string(route.method),
                   schema_.message(*found->input_type()), schema_.message(*found->output_type()),
                   found->client_streaming(), found->server_streaming()});
        const bool added = methods_.emplace(route.path, std::move(method)).second;
        QUORATE_ASSERT(added);
    }
}

JsonGateway::~JsonGateway() = default;

std::unique_ptr<transport::Call> JsonGateway::on_request(const CallInfo& info, ByteView path,
                                                         Reply reply) {
    const auto method = methods_.find(path);
    if (method == methods_.end()) {
        refuse(std::move(reply), {errors::kNotFound, "Not Found"});
        return nullptr;
    }
    if (info.method != "POST" && !is_websocket(info)) {
        refuse(std::move(reply), {errors::kUnimplemented, "Method Not Allowed"});
        return nullptr;
    }
    const ByteView timeout = info.header("grpc-timeout");
    int64_t timeout_ns = 0;
    if (!timeout.empty() && !is_websocket(info)) {
        const auto parsed = parse_gateway_timeout(timeout);
        if (!parsed) {
            refuse(std::move(reply),
                   {errors::kInvalidArgument, "invalid grpc-timeout: " + std::string(timeout)});
            return nullptr;
        }
        if (*parsed < 0) {
            refuse(std::move(reply), errors::kContextDeadline);
            return nullptr;
        }
        timeout_ns = *parsed;
    }
    return std::make_unique<Request>(*this, *method->second, info, timeout_ns, std::move(reply));
}

}  // namespace quorate::rpc
