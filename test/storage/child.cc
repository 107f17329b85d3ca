// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include "crash_writer.h"
#include "store_reader.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace quorate::storage::testing {

Child::Child(const EngineUnderTest& engine, const std::string& dir, const std::string& job) {
    std::vector<std::string> arguments = {"storage_conformance", kChildArgument, job, dir};
    for (std::string& argument : engine_arguments(engine)) {
        arguments.push_back(std::move(argument));
    }
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe");
    }
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(to[0], STDIN_FILENO);
        ::dup2(from[1], STDOUT_FILENO);
        ::execv("/proc/self/exe", argv.data());
        ::_exit(127);
    }
    ::close(to[0]);
    ::close(from[1]);
    in_ = to[1];
    out_ = from[0];
}

Child::~Child() {
    ::close(in_);
    ::close(out_);
    (void)wait();
}

bool Child::read(void* to, size_t bytes) {
    auto* at = static_cast<char*>(to);
    while (bytes > 0) {
        const ssize_t got = ::read(out_, at, bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        bytes -= static_cast<size_t>(got);
    }
    return true;
}

bool Child::write(const std::string& text) {
    // Far below what a pipe holds, so in one piece.
    return ::write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void Child::stop() {
    ::kill(pid_, SIGSTOP);
    // Also returns when it has ended instead, which wait() then finds again.
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT);
}

void Child::resume() {
    ::kill(pid_, SIGCONT);
}

void Child::kill() {
    ::kill(pid_, SIGKILL);
}

int Child::wait() {
    if (pid_ > 0) {
        while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
    }
    return status_;
}

int run_child(int argc, char** argv) {
    constexpr int kEngineAt = 4;
    ::signal(SIGPIPE, SIG_DFL);  // a child without its parent ends
    if (argc <= kEngineAt) {
        return 2;
    }
    const std::string_view job = argv[2];
    const EngineUnderTest engine = engine_from_arguments(argc - kEngineAt, argv + kEngineAt);
    return job == kReadJob ? run_store_reader(engine) : run_crash_writer(engine, argv[3], job);
}

}  // namespace quorate::storage::testing
