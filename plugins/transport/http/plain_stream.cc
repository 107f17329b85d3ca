// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/byte_stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace quorate::http {
namespace {

class PlainStream final : public ByteStream {
  public:
    explicit PlainStream(int fd) : fd_(fd) {}

    IoState handshake() override { return IoState::kOk; }

    IoResult read(char* into, size_t capacity) override {
        const ssize_t got = ::recv(fd_, into, capacity, 0);
        if (got == 0) {
            return {IoState::kClosed, 0};
        }
        return result(got);
    }

    IoResult write(std::string_view bytes) override {
        if (bytes.empty()) {
            return {IoState::kOk, 0};
        }
        return result(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }

    bool has_unread() const override { return false; }
    bool has_unsent() const override { return false; }
    void shut_down() override { ::shutdown(fd_, SHUT_WR); }
    std::string_view common_name() const override { return {}; }
    std::string_view failure() const override { return failure_; }

  private:
    IoResult result(ssize_t count) {
        if (count >= 0) {
            return {IoState::kOk, static_cast<size_t>(count)};
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            return {IoState::kWouldBlock, 0};
        }
        failure_ = std::system_category().message(errno);
        return {IoState::kFailed, 0};
    }

    const int fd_;
    std::string failure_;
};

}  // namespace

std::unique_ptr<ByteStream> make_plain_stream(int fd) {
    return std::make_unique<PlainStream>(fd);
}

}  // namespace quorate::http
