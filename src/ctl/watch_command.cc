// SPDX-License-Identifier: Apache-2.0
#include "ctl/child.h"
#include "ctl/commands.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/key_print.h"
#include "ctl/watch_line.h"
#include "ctl/watch_stream.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace quorate::ctl {
namespace {

constexpr size_t kLineBytesMax = 2 * 1024 * 1024;

WatchDefaults environment_defaults() {
    const auto value = [](const char* ours, const char* theirs) -> std::string {
        const char* found = std::getenv(ours);
        found = found == nullptr ? std::getenv(theirs) : found;
        return found == nullptr ? "" : found;
    };
    return {value("QUORATECTL_WATCH_KEY", "ETCDCTL_WATCH_KEY"),
            value("QUORATECTL_WATCH_RANGE_END", "ETCDCTL_WATCH_RANGE_END")};
}

// Standard input, line by line, without blocking.
class InputLines {
  public:
    // Reads what is there; false at the end of the input, or when a line is too long.
    bool read_some() {
        char buffer[4096];
        const ssize_t bytes = read(STDIN_FILENO, buffer, sizeof buffer);
        if (bytes < 0) {
            return errno == EINTR;
        }
        waiting_.append(buffer, static_cast<size_t>(bytes));
        return bytes > 0 && waiting_.size() < kLineBytesMax;
    }
    std::optional<std::string> take() {
        const size_t end = waiting_.find('\n');
        if (end == std::string::npos) {
            return std::nullopt;
        }
        std::string line = waiting_.substr(0, end);
        waiting_.erase(0, end + 1);
        return line;
    }

  private:
    std::string waiting_;
};

// All watches of one run, and what is done with their events.
class Watching {
  public:
    Watching(Job& job, Client& client) : job_(job), client_(client), stream_(client) {}

    void add(const WatchLine& asked) { commands_[stream_.add(asked.create)] = asked.command; }
    void request_progress() { stream_.request_progress(); }
    int64_t next_try_ns() const { return stream_.next_try_ns(); }

    // Prints what has come in.
    Exit pump() {
        while (auto item = stream_.take()) {
            if (Exit exit = print(*item); !exit.ok()) {
                return exit;
            }
        }
        if (const std::string trouble = stream_.take_trouble(); !trouble.empty()) {
            std::fprintf(stderr, "watch: %s; trying again\n", trouble.c_str());
        }
        return stream_.failure().ok() ? Exit() : Exit(ExitCode::kInterrupted, stream_.failure());
    }

    // Until every watch was canceled.
    Exit run_to_the_end() {
        while (!ended_) {
            if (Exit exit = pump(); !exit.ok()) {
                return exit;
            }
            if (!ended_) {
                client_.waiter().wait(next_try_ns());
            }
        }
        return {ExitCode::kInterrupted, "watch is canceled by the server"};
    }

  private:
    Exit print(const WatchStream::Item& item) {
        const etcdserverpb::WatchResponse& response = item.response;
        if (response.canceled()) {
            ended_ = true;
            std::fprintf(stderr, "watch was canceled (%s)\n", cancel_text(response).c_str());
        } else if (response.events().empty()) {
            Printer::say("progress notify: " + std::to_string(response.header().revision()) + "\n");
        }
        if (Exit exit = print_watch(job_.printer(), response); !exit.ok()) {
            return exit;
        }
        const auto& command = commands_[item.watch];
        if (command.empty()) {
            return {};
        }
        for (const auto& event : response.events()) {
            if (Exit exit = run_for(event, response.header().revision(), command); !exit.ok()) {
                return exit;
            }
        }
        return {};
    }

    static Exit run_for(const mvccpb::Event& event, int64_t revision,
                        const std::vector<std::string>& command) {
        const bool deleted = event.type() == mvccpb::Event::DELETE;
        auto child = Child::start(
            command, {"ETCD_WATCH_REVISION=" + std::to_string(revision),
                      std::string("ETCD_WATCH_EVENT_TYPE=\"") + (deleted ? "DELETE\"" : "PUT\""),
                      "ETCD_WATCH_KEY=" + go_quote(event.kv().key()),
                      "ETCD_WATCH_VALUE=" + go_quote(event.kv().value())});
        std::string reason = child ? "" : child.error().message();
        if (child) {
            const int code = child->wait();
            if (code == 0) {
                return {};
            }
            reason = "exit status " + std::to_string(code);
        }
        std::string shown;
        for (const std::string& word : command) {
            shown += (shown.empty() ? "" : " ") + go_quote(word);
        }
        std::fprintf(stderr, "command [%s] error (%s)\n", shown.c_str(), reason.c_str());
        return Exit::silent(ExitCode::kError);
    }

    Job& job_;
    Client& client_;
    WatchStream stream_;
    std::map<size_t, std::vector<std::string>> commands_;  // one for each watch
    bool ended_ = false;
};

// One line of the interactive mode.
Exit obey(const std::string& line, const WatchDefaults& defaults, Watching& watching) {
    const auto words = split_line(line);
    if (!words) {
        return {ExitCode::kInvalidInput, words.error()};
    }
    if (words->empty()) {
        std::fprintf(stderr, "Invalid command: %s (watch and progress supported)\n", line.c_str());
        return {};
    }
    if (words->front() == "progress") {
        watching.request_progress();
        return {};
    }
    if (words->front() != "watch") {
        std::fprintf(stderr, "Invalid command %s (only support watch)\n", line.c_str());
        return {};
    }
    if (words->size() < 2 && defaults.key.empty()) {
        std::fprintf(stderr, "Invalid command %s (command type or key is not provided)\n",
                     line.c_str());
        return {};
    }
    const auto parsed = parse_line(std::span(*words).subspan(1), {kWatchFlags});
    if (!parsed) {
        return bad_arguments(parsed.error().message());
    }
    const auto asked = watch_line(*parsed, defaults);
    if (!asked) {
        return asked.error();
    }
    watching.add(*asked);
    return {};
}

Exit run_interactively(const WatchDefaults& defaults, Client& client, Watching& watching) {
    InputLines input;
    while (true) {
        while (const auto line = input.take()) {
            if (Exit exit = obey(*line, defaults, watching); !exit.ok()) {
                return exit;
            }
        }
        if (Exit exit = watching.pump(); !exit.ok()) {
            return exit;
        }
        pollfd standard_input{STDIN_FILENO, POLLIN, 0};
        client.waiter().wait(watching.next_try_ns(), {&standard_input, 1});
        if (standard_input.revents != 0 && !input.read_some()) {
            return {ExitCode::kInvalidInput, "error reading watch request line: EOF"};
        }
    }
}

Exit run_watch(Job& job) {
    const WatchDefaults defaults = environment_defaults();
    if (defaults.key.empty() && !defaults.range_end.empty()) {
        return bad_arguments("ETCDCTL_WATCH_KEY is empty but got ETCDCTL_WATCH_RANGE_END=" +
                             go_quote(defaults.range_end));
    }
    const bool interactive = job.flags().on("interactive");
    Result<WatchLine> asked = WatchLine();
    if (!interactive) {
        asked = watch_line(job.line(), defaults);
        if (!asked) {
            return asked.error();
        }
    }
    const auto client = job.client();
    if (!client) {
        return client.error();
    }
    Watching watching(job, **client);
    if (interactive) {
        return run_interactively(defaults, **client, watching);
    }
    watching.add(*asked);
    return watching.run_to_the_end();
}

constexpr std::string_view kDetails =
    "Prints events until it is interrupted. A watch goes on over lost connections: it resumes\n"
    "behind the last event on a member that answers.\n\n"
    "With -- and a command, that is run for each event, with ETCD_WATCH_REVISION,\n"
    "ETCD_WATCH_EVENT_TYPE, ETCD_WATCH_KEY and ETCD_WATCH_VALUE in its environment.\n\n"
    "In interactive mode each line of the input is \"watch [options] <key> [range_end]\" or\n"
    "\"progress\", which asks how far the watches have come.\n\n"
    "ETCDCTL_WATCH_KEY and ETCDCTL_WATCH_RANGE_END stand for key and range_end.";

const Command kCommands[] = {
    {"watch", "[key or prefix] [range_end] [--] [exec-command arg1 arg2 ...]",
     "Watches events stream on keys or prefixes", Section::kKeys, run_watch, kWatchFlags, kDetails},
};

}  // namespace

const std::span<const Command> kWatchCommands = kCommands;

}  // namespace quorate::ctl
