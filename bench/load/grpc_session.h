// SPDX-License-Identifier: Apache-2.0
//
// gRPC calls on HTTP/2, by nghttp2. One thread.
#pragma once

#include "base/status.h"
#include "endpoint.h"
#include "session.h"

#include <nghttp2/nghttp2.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::load {

class Connection;

class GrpcSession final : public Session {
  public:
    // `connection` owns the session.
    static Result<std::unique_ptr<GrpcSession>> open(Connection& connection,
                                                     const Endpoint& endpoint);

    void start(Stream& stream, Method method,
               const google::protobuf::MessageLite& message) override;
    void send(Stream& stream, const google::protobuf::MessageLite& message) override;
    std::string receive(std::string_view bytes) override;
    std::string produce(std::string& pending) override;

  private:
    struct SessionDeleter {
        void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
    };
    static constexpr size_t kHeaderCount = 8;
    using Headers = std::array<nghttp2_nv, kHeaderCount>;

    GrpcSession(Connection& connection, const Endpoint& endpoint);
    Status begin();
    void receive(Stream& stream, std::string_view bytes);
    void end(Stream& stream, uint32_t error_code);

    static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                         size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                         void* self);
    static int on_data(nghttp2_session* session, uint8_t flags, int32_t stream_id,
                       const uint8_t* data, size_t size, void* self);
    static int on_stream_close(nghttp2_session* session, int32_t stream_id, uint32_t error_code,
                               void* self);
    static ssize_t read_body(nghttp2_session* session, int32_t stream_id, uint8_t* buffer,
                             size_t size, uint32_t* flags, nghttp2_data_source* source, void* self);

    Connection& connection_;
    const std::string authority_;
    const std::string token_;  // sent with each call unless it is empty
    std::array<Headers, kMethodCount> headers_{};
    std::unique_ptr<nghttp2_session, SessionDeleter> session_;
};

}  // namespace quorate::load
