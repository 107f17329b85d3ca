// SPDX-License-Identifier: Apache-2.0
#include "base/log_output.h"

#include "base/log_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace quorate::log {

namespace {

constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

class StreamOutput final : public Output {
  public:
    explicit StreamOutput(int fd) : fd_(fd) {}
    void write(std::string_view text, const Line&) override { write_all(fd_, text); }

  private:
    const int fd_;  // not ours to close
};

}  // namespace

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        text.remove_prefix(static_cast<size_t>(written));
    }
    return true;
}

bool is_journal_stream(int fd, const char* journal_stream) {
    struct stat status {};
    if (journal_stream == nullptr || fstat(fd, &status) != 0) {
        return false;
    }
    return journal_stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

Result<std::unique_ptr<Output>> open_output(const std::string& name,
                                            const std::optional<Rotation>& rotation) {
    if (name == "default" && is_journal_stream(STDERR_FILENO, std::getenv("JOURNAL_STREAM"))) {
        if (auto journal = open_journal(kJournalSocket)) {
            return journal;
        }
    }
    if (name == "default" || name == "stderr") {
        return std::unique_ptr<Output>(std::make_unique<StreamOutput>(STDERR_FILENO));
    }
    if (name == "stdout") {
        return std::unique_ptr<Output>(std::make_unique<StreamOutput>(STDOUT_FILENO));
    }
    if (name == "systemd/journal") {
        return open_journal(kJournalSocket);
    }
    return open_file(name, rotation);
}

}  // namespace quorate::log
