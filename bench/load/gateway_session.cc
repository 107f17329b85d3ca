// SPDX-License-Identifier: Apache-2.0
#include "gateway_session.h"

#include "base/assert.h"
#include "connection.h"

#include <utility>

namespace quorate::load {

GatewaySession::GatewaySession(Connection& connection, const Endpoint& endpoint)
    : connection_(connection),
      codec_(endpoint.gateway),
      fields_(" HTTP/1.1\r\nHost: " + endpoint.authority +
              "\r\nUser-Agent: quorate-load\r\nContent-Type: application/json\r\n" +
              (endpoint.token.empty() ? "" : "Authorization: " + endpoint.token + "\r\n") +
              "Content-Length: ") {}

void GatewaySession::start(Stream& stream, Method method,
                           const google::protobuf::MessageLite& message) {
    body_.clear();
    codec_->append_request(method, message, body_);
    stream.out += "POST ";
    stream.out += codec_->route(method);
    stream.out += fields_;
    stream.out += std::to_string(body_.size());
    stream.out += "\r\n\r\n";
    stream.out += body_;
    waiting_.push_back({&stream, method});
    connection_.mark_unsent();
}

void GatewaySession::send(Stream&, const google::protobuf::MessageLite&) {
    QUORATE_ASSERT(false && "a streaming call");
}

std::string GatewaySession::produce(std::string& pending) {
    if (!waiting_.empty() && !std::exchange(asked_, true)) {
        pending += waiting_.front().stream->out;
    }
    return {};
}

std::string GatewaySession::receive(std::string_view bytes) {
    in_.append(bytes);
    Http1Answer answer;
    switch (read_http1_answer(in_, answer)) {
        case Http1Progress::kMore:
            return {};
        case Http1Progress::kMalformed:
            return "an answer that is not HTTP/1.1";
        case Http1Progress::kDone:
            break;
    }
    if (!asked_ || answer.size != in_.size()) {
        return "an answer that nobody asked for";
    }
    in_.clear();
    finish(answer);
    return answer.closes ? "the server keeps no connection" : "";
}

void GatewaySession::finish(const Http1Answer& answer) {
    const Waiting done = waiting_.front();
    waiting_.pop_front();
    asked_ = false;
    Stream& stream = *done.stream;
    stream.status = {};
    if (answer.status != 200) {
        stream.status = {GrpcStatus::kUnknownCode,
                         "HTTP status " + std::to_string(answer.status) + ": " + answer.body};
    } else if (const auto message = codec_->read_answer(done.method, answer.body)) {
        ++stream.messages;
        stream.handler->on_message(stream, *message);
    } else {
        stream.status = {GrpcStatus::kUnknownCode, "wrong answer: " + message.error().message()};
    }
    connection_.end(stream);
    if (!waiting_.empty()) {
        connection_.mark_unsent();
    }
}

}  // namespace quorate::load
