// SPDX-License-Identifier: Apache-2.0
#include "ctl/ctl.h"

#include "base/log.h"
#include "ctl/choose.h"
#include "ctl/commands.h"
#include "ctl/help.h"
#include "ctl/job.h"

#include <csignal>
#include <cstdio>

namespace quorate::ctl {
namespace {

int finish(const Exit& exit) {
    if (!exit.error().empty()) {
        std::fprintf(stderr, "Error: %s\n", exit.error().c_str());
    }
    // A full disk or a closed pipe must not look like success.
    if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && exit.ok()) {
        std::fprintf(stderr, "Error: standard output can't be written\n");
        return static_cast<int>(ExitCode::kIo);
    }
    return exit.code();
}

Exit show_help(const std::string& text) {
    Printer::say(text);
    return {};
}

void tell_settings(const Flags& flags) {
    for (const FlagSpec& spec : kGlobalFlags) {
        const bool secret = spec.name == "password" || spec.name == "auth-jwt-token";
        const std::string& value = flags.text(spec.name);
        std::fprintf(stderr, "%s=%s\n", std::string(spec.name).c_str(),
                     secret && !value.empty() ? "********" : value.c_str());
    }
}

Exit run_command(const Chosen& chosen, const std::string& program,
                 const std::string& executable_dir) {
    const FlagGroups groups = {chosen.command->flags, kGlobalFlags};
    auto line = parse_line(chosen.arguments, groups);
    if (!line) {
        return {ExitCode::kError, line.error().message() + "; see \"" + program + " " +
                                      std::string(chosen.command->name) + " --help\""};
    }
    if (line->help) {
        return show_help(help_of(*chosen.command, program));
    }
    if (Status s = take_environment(line->flags, {kGlobalFlags}); !s.ok()) {
        return s;
    }
    if (line->flags.on("debug")) {
        tell_settings(line->flags);
    }
    const auto format = parse_format(line->flags.text("write-out"));
    if (!format) {
        return {ExitCode::kBadFeature, "unsupported output format \"" +
                                           line->flags.text("write-out") +
                                           "\": must be simple, fields, json, protobuf or table"};
    }
    Job job(std::move(*line), *format, program, executable_dir);
    return chosen.command->run(job);
}

Exit dispatch(const std::vector<std::string>& arguments, const std::string& program,
              const std::string& executable_dir) {
    const auto chosen = choose_command(arguments, program);
    if (!chosen) {
        return {ExitCode::kError, chosen.error().message()};
    }
    if (chosen->command != nullptr) {
        return run_command(*chosen, program, executable_dir);
    }
    // A group alone, or only flags: the help, but not for a flag that there is not.
    const auto line = parse_line(chosen->arguments, {kGlobalFlags});
    if (!line) {
        return {ExitCode::kError, line.error().message()};
    }
    return show_help(chosen->group.empty() ? help_of_all(program)
                                           : help_of_group(chosen->group, program));
}

}  // namespace

int run(const std::vector<std::string>& arguments, const std::string& program,
        const std::string& executable_dir) {
    log::Options quiet;
    quiet.levels = "fatal";
    if (Status s = log::configure(quiet); !s.ok()) {
        return finish(s);
    }
    // A reader of our output that has gone is an error of the next write.
    std::signal(SIGPIPE, SIG_IGN);
    return finish(dispatch(arguments, program, executable_dir));
}

}  // namespace quorate::ctl
