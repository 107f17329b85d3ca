// SPDX-License-Identifier: Apache-2.0
#include "ctl/child.h"
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/key_print.h"
#include "ctl/lease_keeper.h"
#include "ctl/queue_key.h"

#include <string>
#include <vector>

namespace quorate::ctl {
namespace {

constexpr FlagSpec kLockFlags[] = {
    {"ttl", FlagKind::kInt, "10", "timeout for session in seconds"},
};

// Keeps the lock while the command runs. A signal goes on to the command, as its terminal would
// send it.
Exit run_under_lock(Client& client, Session& session, QueueKey& lock, Interrupts& interrupts,
                    std::span<const std::string> command) {
    auto child = Child::start(command, {"ETCD_LOCK_KEY=" + lock.key(),
                                        "ETCD_LOCK_REV=" + std::to_string(lock.revision())});
    if (!child) {
        static_cast<void>(lock.leave());
        return {ExitCode::kError, child.error()};
    }
    while (true) {
        if (const auto code = child->exit_code()) {
            const Status left = lock.leave();
            if (*code != 0) {
                return Exit::of_program(*code, "exit status " + std::to_string(*code));
            }
            return left;
        }
        pollfd both[] = {{interrupts.fd(), POLLIN, 0}, {child->fd(), POLLIN, 0}};
        wait_with(client, session, kNever_ns, both);
        if (both[0].revents != 0) {
            if (const int number = interrupts.take(); number != 0) {
                child->signal(number);
            }
        }
    }
}

// Until a signal, or until the lease is lost.
Exit hold(Job& job, Client& client, Session& session, QueueKey& lock, Interrupts& interrupts) {
    const auto key = lock.read();
    if (!key) {
        return key.error();
    }
    if (key->kvs_size() == 0) {
        return {ExitCode::kError, "lock lost on init"};
    }
    if (Exit exit = print_range(job.printer(), *key); !exit.ok()) {
        static_cast<void>(lock.leave());
        return exit;
    }
    while (!session.expired()) {
        pollfd signals{interrupts.fd(), POLLIN, 0};
        wait_with(client, session, kNever_ns, {&signals, 1});
        if (signals.revents != 0 && interrupts.take() != 0) {
            return lock.leave();
        }
    }
    return {ExitCode::kError, "session expired"};
}

Exit run_lock(Job& job) {
    if (job.operands().empty()) {
        return bad_arguments("lock takes a lock name argument and an optional command to execute");
    }
    const auto options = job.options();  // may ask on the terminal, where Ctrl-C still ends us
    if (!options) {
        return options.error();
    }
    Interrupts interrupts;
    const auto client = job.client();
    if (!client) {
        return client.error();
    }
    auto session = Session::start(**client, job.flags().number("ttl"), job.deadline_ns());
    if (!session) {
        return session.error();
    }
    QueueKey lock(**client, **session, job.operands()[0],
                  job.flags().duration_ns("command-timeout"));
    Status s = lock.enter("");
    if (s.ok()) {
        s = lock.wait_turn(interrupts);
    }
    if (!s.ok()) {
        return {ExitCode::kError, s};
    }
    const auto command = std::span(job.operands()).subspan(1);
    return command.empty() ? hold(job, **client, **session, lock, interrupts)
                           : run_under_lock(**client, **session, lock, interrupts, command);
}

constexpr std::string_view kDetails =
    "Holds the lock until it is interrupted, or with a command as long as that runs, with\n"
    "ETCD_LOCK_KEY and ETCD_LOCK_REV in its environment; its exit code becomes ours. Write --\n"
    "in front of a command with options of its own.";

const Command kCommands[] = {
    {"lock", "<lockname> [exec-command arg1 arg2 ...]", "Acquires a named lock",
     Section::kConcurrency, run_lock, kLockFlags, kDetails},
};

}  // namespace

const std::span<const Command> kLockCommands = kCommands;

}  // namespace quorate::ctl
