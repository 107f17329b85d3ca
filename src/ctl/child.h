// SPDX-License-Identifier: Apache-2.0
//
// Commands that are run for an event or under a lock. The command's thread.
#pragma once

#include "base/status.h"

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace quorate::ctl {

class Child {
  public:
    // With this process's environment and `variables` ("NAME=value"), input and outputs.
    // errors::kUsage when there is no such program.
    static Result<Child> start(std::span<const std::string> command,
                               const std::vector<std::string>& variables);
    Child(Child&& other) noexcept;
    Child& operator=(Child&&) = delete;
    ~Child();

    // Readable once the process has ended.
    int fd() const { return fd_; }
    // Its exit code, 128 and the signal's number when a signal ended it. Nothing as long as it
    // runs.
    std::optional<int> exit_code();
    // Waits for the end.
    int wait();
    void signal(int number) const;

  private:
    Child(pid_t pid, int fd) : pid_(pid), fd_(fd) {}

    pid_t pid_;
    int fd_;
};

}  // namespace quorate::ctl
