// SPDX-License-Identifier: Apache-2.0
//
// This program started anew as a child that works on one store. Threads that an engine has already
// started in the parent would not survive a plain fork, and a child may be killed, or die of a
// damaged file, without taking the tests with it.
#pragma once

#include "engines.h"

#include <sys/types.h>

#include <string>

namespace quorate::storage::testing {

// Arguments of a child: kChildArgument, the job, the directory, the engine.
inline constexpr const char* kChildArgument = "--child";

// A child whose standard input and output are pipes to here.
class Child {
  public:
    Child(const EngineUnderTest& engine, const std::string& dir, const std::string& job);
    // Closes the pipes and waits for it.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // What it has written; false at its end.
    bool read(void* to, size_t bytes);
    bool write(const std::string& text);
    void kill();
    // Between these nothing of it runs: its files are as a kill would leave them.
    void stop();
    void resume();
    // How it ended, as waitpid() tells.
    int wait();

  private:
    pid_t pid_ = -1;
    int in_ = -1;
    int out_ = -1;
    int status_ = 0;
};

// main() of the child.
int run_child(int argc, char** argv);

}  // namespace quorate::storage::testing
