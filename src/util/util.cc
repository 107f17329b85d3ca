// SPDX-License-Identifier: Apache-2.0
#include "util/util.h"

#include "base/errors.h"
#include "base/log.h"
#include "config/load.h"
#include "util/commands.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>

namespace quorate::util {
namespace {

constexpr size_t kSummaryColumn = 22;

std::span<const Command* const> all_commands() {
    static constexpr const Command* kCommands[] = {&kSnapshotStatus, &kSnapshotRestore, &kMigrate,
                                                   &kVerify,         &kHashKv,          &kDefrag,
                                                   &kCompact,        &kWalDump};
    return kCommands;
}

std::string help() {
    std::string text =
        "Usage: quorate util COMMAND [options]\n\n"
        "Works on snapshot files and data directories while no server uses them.\n"
        "Also by the name quorateutl.\n\nCommands:\n";
    for (const Command* command : all_commands()) {
        std::string line = "  " + std::string(command->name);
        line.resize(std::max(line.size() + 2, kSummaryColumn), ' ');
        text += line + std::string(command->summary) + "\n";
    }
    text += "  version             Prints the version.\n\n";
    return text + "\"quorate util COMMAND --help\" tells the options of one.\n";
}

struct Chosen {
    const Command* command;
    size_t words;
};

// A command's name is one word or two.
std::optional<Chosen> choose(const std::vector<std::string>& arguments) {
    for (const Command* command : all_commands()) {
        const std::string_view name = command->name;
        if (!arguments.empty() && arguments[0] == name) {
            return Chosen{command, 1};
        }
        if (arguments.size() > 1 && arguments[0] + " " + arguments[1] == name) {
            return Chosen{command, 2};
        }
    }
    return std::nullopt;
}

bool asks_for_help(const std::string& argument) {
    return argument == "--help" || argument == "-h" || argument == "help";
}

int refuse(const Status& status) {
    std::string text = status.is(errors::kUsage) || status.is(errors::kConfig)
                           ? std::string(status.detail())
                           : status.message();
    std::replace(text.begin(), text.end(), '\n', ' ');
    std::fprintf(stderr, "quorate util: %s\n", text.c_str());
    return status.is(errors::kUsage) ? 2 : 1;
}

Status run_command(const Chosen& chosen, const std::vector<std::string>& arguments,
                   const std::string& executable_dir) {
    const auto rest = std::span(arguments).subspan(chosen.words);
    if (std::any_of(rest.begin(), rest.end(),
                    [](const std::string& one) { return one == "--help" || one == "-h"; })) {
        std::fputs(help_of(*chosen.command).c_str(), stdout);
        return {};
    }
    auto invocation = parse(*chosen.command, rest);
    if (!invocation) {
        return invocation.error();
    }
    invocation->executable_dir = executable_dir;
    return chosen.command->run(*invocation);
}

}  // namespace

int run(const std::vector<std::string>& arguments, const std::string& executable_dir) {
    // What engines have to say when nothing is wrong is not for a terminal.
    log::Options quiet;
    quiet.levels = "warn";
    if (Status s = log::configure(quiet); !s.ok()) {
        return refuse(s);
    }
    if (arguments.empty() || asks_for_help(arguments[0])) {
        std::fputs(help().c_str(), stdout);
        return arguments.empty() ? 2 : 0;
    }
    if (arguments[0] == "version") {
        std::fputs(config::version_text().c_str(), stdout);
        return 0;
    }
    const auto chosen = choose(arguments);
    if (!chosen) {
        std::string name = arguments[0];
        if (arguments.size() > 1 && (name == "snapshot" || name == "wal")) {
            name += " " + arguments[1];
        }
        return refuse({errors::kUsage,
                       "there is no command \"" + name + "\"; \"quorate util --help\" lists them"});
    }
    const Status done = run_command(*chosen, arguments, executable_dir);
    // A full disk or a closed pipe must not look like success.
    if (std::fflush(stdout) != 0 && done.ok()) {
        return refuse({errors::kIo, "standard output can't be written"});
    }
    return done.ok() ? 0 : refuse(done);
}

}  // namespace quorate::util
