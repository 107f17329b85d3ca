// SPDX-License-Identifier: Apache-2.0
//
// The native protocol of systemd-journald: one datagram of NAME=value lines per entry, with a
// length before values that hold newlines. The line's fields are sent beside the message, so that
// `journalctl QUORATE_MEMBER_ID=...` finds them.
#include "base/bytes.h"
#include "base/errors.h"
#include "base/log_file.h"
#include "base/log_output.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace quorate::log {

namespace {

constexpr size_t kDatagramBytesMax = 32 * 1024;  // of the second try, when the first was too long
constexpr size_t kNameBytesMax = 64;             // the journal drops fields with longer names

// syslog's numbers.
int priority(Level level) {
    switch (level) {
        case Level::kDebug:
            return 7;
        case Level::kInfo:
            return 6;
        case Level::kWarn:
            return 4;
        case Level::kError:
            return 3;
        case Level::kPanic:
        case Level::kFatal:
            return 2;
    }
    QUORATE_ASSERT(false);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    if (value.find('\n') == std::string_view::npos) {
        out += '=';
    } else {
        char length[8];
        store_le64(length, value.size());
        out += '\n';
        out.append(length, sizeof length);
    }
    out += value;
    out += '\n';
}

// Journal names are upper case letters, digits and underscores.
std::string journal_name(std::string_view key) {
    std::string name = "QUORATE_";
    for (const char c : key.substr(0, kNameBytesMax - name.size())) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool fine = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name += lower ? static_cast<char>(c - 'a' + 'A') : (fine ? c : '_');
    }
    return name;
}

class JournalOutput final : public Output {
  public:
    JournalOutput(int fd, const sockaddr_un& address) : fd_(fd), address_(address) {}
    ~JournalOutput() override { ::close(fd_); }
    JournalOutput(const JournalOutput&) = delete;
    JournalOutput& operator=(const JournalOutput&) = delete;

    void write(std::string_view text, const Line& line) override {
        text.remove_suffix(1);  // the journal has no use for the newline
        std::string entry = head(text, line);
        for (const Field& field : line.fields) {
            std::string value;
            if (const auto* plain = std::get_if<std::string>(&field.value)) {
                value = plain->substr(0, kTextBytesMax);
            } else {
                append_value(value, field.value);
            }
            append_field(entry, journal_name(field.key), value);
        }
        if (send(entry)) {
            return;
        }
        if (errno == EMSGSIZE && send(head(text.substr(0, kDatagramBytesMax), line))) {
            return;
        }
        // The journal is down or restarting: the line is worth more than its place.
        write_all(STDERR_FILENO, std::string(text) + "\n");
    }

  private:
    static std::string head(std::string_view text, const Line& line) {
        std::string entry;
        append_field(entry, "MESSAGE", text);
        append_field(entry, "PRIORITY", std::to_string(priority(line.level)));
        append_field(entry, "SYSLOG_IDENTIFIER", "quorate");
        append_field(entry, "CODE_FILE", short_path(line.where.file_name()));
        append_field(entry, "CODE_LINE", std::to_string(line.where.line()));
        return entry;
    }

    bool send(std::string_view entry) const {
        ssize_t sent = 0;
        do {
            sent = ::sendto(fd_, entry.data(), entry.size(), MSG_NOSIGNAL,
                            reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
        } while (sent < 0 && errno == EINTR);
        return sent >= 0;
    }

    const int fd_;
    const sockaddr_un address_;
};

}  // namespace

Result<std::unique_ptr<Output>> open_journal(const std::string& socket_path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof address.sun_path) {
        return Status(errors::kConfig, "the journal's socket path is too long: " + socket_path);
    }
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return Status(errors::kConfig,
                      std::string("cannot reach the journal: ") + std::strerror(errno));
    }
    auto output = std::make_unique<JournalOutput>(fd, address);
    if (::access(socket_path.c_str(), W_OK) != 0) {
        return Status(errors::kConfig,
                      "log output systemd/journal: no journal listens at " + socket_path);
    }
    return std::unique_ptr<Output>(std::move(output));
}

}  // namespace quorate::log
