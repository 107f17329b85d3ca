// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/either_stream.h"

#include "plugins/transport/http/tls.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace quorate::http {
namespace {

class EitherStream final : public ByteStream {
  public:
    EitherStream(const TlsSource& tls, int fd) : tls_(tls), fd_(fd) {}

    IoState handshake() override {
        if (!chosen_) {
            if (const IoState looked = choose(); looked != IoState::kOk) {
                return looked;
            }
        }
        return chosen_->handshake();
    }

    // Nothing flows before the handshake is over.
    IoResult read(char* into, size_t capacity) override { return chosen_->read(into, capacity); }
    IoResult write(std::string_view bytes) override { return chosen_->write(bytes); }
    bool has_unread() const override { return chosen_ && chosen_->has_unread(); }
    bool has_unsent() const override { return chosen_ && chosen_->has_unsent(); }
    void shut_down() override {
        if (chosen_) {
            chosen_->shut_down();
        }
    }
    std::string_view common_name() const override {
        return chosen_ ? chosen_->common_name() : std::string_view();
    }
    std::string_view failure() const override { return chosen_ ? chosen_->failure() : failure_; }

  private:
    IoState choose() {
        char first = 0;
        const ssize_t got = ::recv(fd_, &first, 1, MSG_PEEK);
        if (got == 0) {
            failure_ = "closed before the first byte";
            return IoState::kClosed;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return IoState::kWouldBlock;
        }
        if (got < 0) {
            failure_ = std::system_category().message(errno);
            return IoState::kFailed;
        }
        chosen_ = begins_tls(first) ? tls_.open(fd_, {}) : make_plain_stream(fd_);
        if (!chosen_) {
            failure_ = "out of memory";
            return IoState::kFailed;
        }
        return IoState::kOk;
    }

    const TlsSource& tls_;
    const int fd_;
    std::unique_ptr<ByteStream> chosen_;
    std::string failure_;
};

}  // namespace

std::unique_ptr<ByteStream> make_either_stream(const TlsSource& tls, int fd) {
    return std::make_unique<EitherStream>(tls, fd);
}

}  // namespace quorate::http
