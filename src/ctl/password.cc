// SPDX-License-Identifier: Apache-2.0
#include "ctl/password.h"

#include "base/errors.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>

namespace quorate::ctl {
namespace {

// The terminal without echo, for as long as it lives.
class SilentTerminal {
  public:
    SilentTerminal() : fd_(open("/dev/tty", O_RDWR | O_CLOEXEC)) {
        if (fd_ >= 0 && tcgetattr(fd_, &before_) == 0) {
            termios silent = before_;
            silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
            changed_ = tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
        }
    }
    ~SilentTerminal() {
        if (changed_) {
            tcsetattr(fd_, TCSAFLUSH, &before_);
        }
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    SilentTerminal(const SilentTerminal&) = delete;
    SilentTerminal& operator=(const SilentTerminal&) = delete;

    bool usable() const { return changed_; }
    void say(std::string_view text) const {
        static_cast<void>(!write(fd_, text.data(), text.size()));
    }
    std::string line() const {
        std::string text;
        char c = 0;
        while (read(fd_, &c, 1) == 1 && c != '\n') {
            text.push_back(c);
        }
        return text;
    }

  private:
    const int fd_;
    termios before_{};
    bool changed_ = false;
};

}  // namespace

Result<std::string> ask_password(std::string_view prompt, std::string_view otherwise) {
    const SilentTerminal terminal;
    if (!terminal.usable()) {
        return Status(errors::kUsage,
                      "a password is needed, and there is no terminal to ask on; give it " +
                          std::string(otherwise));
    }
    terminal.say(prompt);
    std::string password = terminal.line();
    terminal.say("\n");
    return password;
}

Result<std::string> ask_new_password(std::string_view user) {
    constexpr std::string_view kOtherwise = "on standard input, with --interactive=false";
    auto password = ask_password("Password of " + std::string(user) + ": ", kOtherwise);
    if (!password) {
        return password;
    }
    if (password->empty()) {
        return Status(errors::kUsage, "empty password");
    }
    const auto again = ask_password(
        "Type password of " + std::string(user) + " again for confirmation: ", kOtherwise);
    if (!again) {
        return again;
    }
    if (*again != *password) {
        return Status(errors::kUsage, "given passwords are different");
    }
    return password;
}

std::string read_password_word() {
    std::string word;
    for (int c = std::getchar(); c != EOF && (std::isspace(c) == 0 || word.empty());
         c = std::getchar()) {
        if (std::isspace(c) == 0) {
            word.push_back(static_cast<char>(c));
        } else if (c == '\n') {
            break;
        }
    }
    return word;
}

}  // namespace quorate::ctl
