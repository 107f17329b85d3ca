// SPDX-License-Identifier: Apache-2.0
//
// version, completion, options and help.
#include "config/version.h"
#include "ctl/choose.h"
#include "ctl/commands.h"
#include "ctl/help.h"
#include "ctl/job.h"

#include <string>

namespace quorate::ctl {
namespace {

Exit run_version(Job&) {
    const std::string etcd(config::kEtcdVersion);
    Printer::say("etcdctl version: " + etcd + "\nAPI version: " + etcd.substr(0, etcd.rfind('.')) +
                 "\nQuorate version: " + std::string(config::kQuorateVersion) + "\n");
    return {};
}

Exit run_completion(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments(
            "completion takes the name of one shell: bash, zsh, fish or powershell");
    }
    const auto script = completion_script(job.operands()[0], job.program());
    if (!script) {
        return script.error();
    }
    Printer::say(*script);
    return {};
}

Exit run_options(Job&) {
    Printer::say(
        "The following options can be passed to any command:\n\n" + help_of_flags(kGlobalFlags) +
        "\nEach can also come from the environment: QUORATECTL_NAME, or ETCDCTL_NAME, with "
        "the\nname in capitals and \"_\" for \"-\".\n");
    return {};
}

Exit run_help(Job& job) {
    const std::string& program = job.program();
    const auto chosen = choose_command(job.operands(), program);
    if (!chosen) {
        return {ExitCode::kError, chosen.error().message()};
    }
    Printer::say(chosen->command != nullptr ? help_of(*chosen->command, program)
                 : chosen->group.empty()    ? help_of_all(program)
                                            : help_of_group(chosen->group, program));
    return {};
}

constexpr std::string_view kCompletionDetails =
    "For this session:\n"
    "  source <(quoratectl completion bash)\n"
    "  source <(quoratectl completion zsh)\n"
    "  quoratectl completion fish | source\n"
    "  quoratectl completion powershell | Out-String | Invoke-Expression\n"
    "For every session write it to where the shell looks:\n"
    "  quoratectl completion bash > /etc/bash_completion.d/quoratectl\n"
    "  quoratectl completion zsh > \"${fpath[1]}/_quoratectl\"\n"
    "  quoratectl completion fish > ~/.config/fish/completions/quoratectl.fish\n"
    "  quoratectl completion powershell >> $PROFILE";

const Command kCommands[] = {
    {"version", "", "Prints the version", Section::kUtility, run_version},
    {"completion",
     "<bash|zsh|fish|powershell>",
     "Generate completion script",
     Section::kUtility,
     run_completion,
     {},
     kCompletionDetails,
     "bash zsh fish powershell"},
    {"options", "", "Show the global command-line flags", Section::kUtility, run_options},
    {"help", "[command]", "Help about any command", Section::kUtility, run_help},
};

}  // namespace

const std::span<const Command> kUtilityCommands = kCommands;

}  // namespace quorate::ctl
