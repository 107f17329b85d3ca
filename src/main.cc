// SPDX-License-Identifier: Apache-2.0
//
// The one binary: the server, or the client or the offline tool when its first argument or its own
// name says so.
#include "base/errors.h"
#include "base/log.h"
#include "base/service_manager.h"
#include "check.h"
#include "config/load.h"
#include "ctl/ctl.h"
#include "serve.h"
#include "surface.h"
#include "util/util.h"

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate {
namespace {

// What keeps the server from starting is one line on standard error, whatever the log's settings
// are, and a line of the log for whoever collects that.
int refuse(const Status& status) {
    std::fprintf(stderr, "quorate: %s\n", status.message().c_str());
    return config::exit_code(status);
}

// In the same process, so that who watches over it sees no end.
int start_again(char** argv) {
    ServiceWatchdog().suspend();
    execv("/proc/self/exe", argv);
    std::perror("quorate: can't start again to take over a snapshot; start it once more");
    return 1;
}

int run_server(const config::Loaded& loaded, const config::Inputs& inputs, char** argv) {
    if (Status s = log::configure(loaded.config.log); !s.ok()) {
        return refuse(s);
    }
    for (const config::Note& note : loaded.notes) {
        log::write(note.level, note.message, note.fields, SourceLocation::current());
    }
    log::write(log::Level::kInfo, "starting quorate", loaded.effective, SourceLocation::current());
    const Result<Ending> ending = serve(loaded, inputs);
    if (!ending) {
        const Status why = config::with_line(ending.error(), loaded);
        log::error("server can't run", {log::Field(why)});
        return refuse(why);
    }
    return *ending == Ending::kStartAgain ? start_again(argv) : 0;
}

// Which of the tools is meant, and what it is asked for.
struct ToolCall {
    std::string word;     // "ctl", "util"
    std::string program;  // as it was called: "quoratectl", "etcdctl", "quorate ctl"
    std::vector<std::string> arguments;
};

std::optional<ToolCall> tool_call(int argc, char** argv) {
    if (argc == 0) {
        return std::nullopt;
    }
    const std::string_view path = argv[0];
    const std::string_view name = path.substr(path.rfind('/') + 1);
    // etcd's names are those of links that an installation may have.
    constexpr std::pair<std::string_view, const char*> kNames[] = {
        {"quoratectl", "ctl"}, {"etcdctl", "ctl"}, {"quorateutl", "util"}, {"etcdutl", "util"}};
    for (const auto& [own_name, word] : kNames) {
        if (name == own_name) {
            return ToolCall{word, std::string(own_name), {argv + 1, argv + argc}};
        }
    }
    for (const char* word : {"ctl", "util"}) {
        if (argc > 1 && std::string_view(argv[1]) == word) {
            return ToolCall{word, std::string("quorate ") + word, {argv + 2, argv + argc}};
        }
    }
    return std::nullopt;
}

int run_tool(const ToolCall& call, const std::string& executable_dir) {
    return call.word == "ctl" ? ctl::run(call.arguments, call.program, executable_dir)
                              : util::run(call.arguments, executable_dir);
}

// For people who look at a terminal: what deserves a warning, and the answer.
int answer(const config::Loaded& loaded, Status (*find_out)(const config::Loaded&)) {
    log::Options plain;
    plain.levels = "warn";
    plain.format = log::Format::kConsole;
    if (Status s = log::configure(plain); !s.ok()) {
        return refuse(s);
    }
    for (const config::Note& note : loaded.notes) {
        log::write(note.level, note.message, note.fields, SourceLocation::current());
    }
    const Status s = find_out(loaded);
    return s.ok() ? 0 : refuse(config::with_line(s, loaded));
}

int run(int argc, char** argv) {
    const config::Inputs inputs = config::inputs_of_process(argc, argv, environ);
    if (const auto call = tool_call(argc, argv)) {
        return run_tool(*call, inputs.executable_dir);
    }
    if (inputs.arguments == std::vector<std::string>{"surface"}) {
        print_surface();
        return 0;
    }
    const Result<config::Loaded> loaded = config::load(inputs);
    if (!loaded) {
        return refuse(loaded.error());
    }
    switch (loaded->command) {
        case config::Command::kRun:
            return run_server(*loaded, inputs, argv);
        case config::Command::kHelp:
            std::fputs(config::help_text().c_str(), stdout);
            return 0;
        case config::Command::kVersion:
            std::fputs(config::version_text().c_str(), stdout);
            return 0;
        case config::Command::kCheckConfig:
            return answer(*loaded, check);
        case config::Command::kListPlugins:
            return answer(*loaded, list_plugins);
    }
    return 1;
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
    try {
        return quorate::run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "quorate: %s\n", e.what());
        return 1;
    }
}
