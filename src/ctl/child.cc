// SPDX-License-Identifier: Apache-2.0
#include "ctl/child.h"

#include "base/errors.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace quorate::ctl {
namespace {

int code_of(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) {
        all.push_back(text.data());
    }
    all.push_back(nullptr);
    return all;
}

// Later variables win, as in Go, where the last one of a name counts.
std::vector<std::string> environment_with(const std::vector<std::string>& variables) {
    std::vector<std::string> all(variables);
    const auto is_replaced = [&variables](std::string_view entry) {
        const std::string_view name = entry.substr(0, entry.find('='));
        for (const std::string& one : variables) {
            if (one.starts_with(std::string(name) + "=")) {
                return true;
            }
        }
        return false;
    };
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (!is_replaced(*entry)) {
            all.emplace_back(*entry);
        }
    }
    return all;
}

}  // namespace

Result<Child> Child::start(std::span<const std::string> command,
                           const std::vector<std::string>& variables) {
    std::vector<std::string> arguments(command.begin(), command.end());
    std::vector<std::string> environment = environment_with(variables);
    // Signals that this process waits for, or ignores, are the child's own business.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int failed = posix_spawnp(&pid, arguments[0].c_str(), nullptr, &attributes,
                                    pointers(arguments).data(), pointers(environment).data());
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) {
        return Status(errors::kUsage,
                      "can't run \"" + arguments[0] + "\": " + std::strerror(failed));
    }
    return Child(pid, static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), fd_(std::exchange(other.fd_, -1)) {}

Child::~Child() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

std::optional<int> Child::exit_code() {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) {
        return std::nullopt;
    }
    return code_of(status);
}

int Child::wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) != pid_) {
    }
    return code_of(status);
}

void Child::signal(int number) const {
    kill(pid_, number);
}

}  // namespace quorate::ctl
