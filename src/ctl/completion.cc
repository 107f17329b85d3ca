// SPDX-License-Identifier: Apache-2.0
//
// The scripts hold the table of commands as it was when they were made, and ask nobody.
#include "base/errors.h"
#include "ctl/commands.h"
#include "ctl/help.h"
#include "ctl/options.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace quorate::ctl {
namespace {

// What the completed program is called.
struct Names {
    std::string own;
    bool by_quorate;  // `quorate ctl` as well
};

// What may follow the words so far: "" for none, "lease", "lease grant".
std::map<std::string, std::vector<const Command*>> commands_by_prefix() {
    std::map<std::string, std::vector<const Command*>> all;
    for (const Command* command : all_commands()) {
        const std::string name(command->name);
        const size_t blank = name.find(' ');
        all[""].push_back(command);
        if (blank != std::string::npos) {
            all[name.substr(0, blank)].push_back(command);
        }
    }
    return all;
}

std::string first_word(std::string_view name) {
    return std::string(name.substr(0, name.find(' ')));
}

std::string last_word(std::string_view name) {
    return std::string(name.substr(name.rfind(' ') + 1));
}

std::string flag_words(std::span<const FlagSpec> flags) {
    std::string words;
    for (const FlagSpec& spec : flags) {
        words += " --" + std::string(spec.name);
        if (spec.letter != 0) {
            words += std::string(" -") + spec.letter;
        }
    }
    return words;
}

// The next words after each prefix, once each.
std::string next_words(const std::string& prefix, const std::vector<const Command*>& commands) {
    std::set<std::string> words;
    for (const Command* command : commands) {
        words.insert(prefix.empty() ? first_word(command->name) : last_word(command->name));
    }
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + word;
    }
    return text;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : between) + word;
    }
    return text;
}

struct Choice {
    std::string after;  // the words so far, or the flag
    std::string words;  // separated by blanks
};

// What may follow which commands and parts of them.
std::vector<Choice> choices_by_words() {
    std::vector<Choice> all;
    for (const auto& [prefix, commands] : commands_by_prefix()) {
        all.push_back({prefix, next_words(prefix, commands)});
    }
    for (const Command* command : all_commands()) {
        all.push_back({std::string(command->name),
                       std::string(command->operand_choices) + flag_words(command->flags)});
    }
    return all;
}

// The values of flags that have a list of them.
std::vector<Choice> choices_by_flag() {
    std::map<std::string, std::string> values;
    const auto add = [&values](std::span<const FlagSpec> flags) {
        for (const FlagSpec& spec : flags) {
            if (!spec.choices.empty()) {
                values["--" + std::string(spec.name)] = std::string(spec.choices);
                if (spec.letter != 0) {
                    values[std::string("-") + spec.letter] = std::string(spec.choices);
                }
            }
        }
    };
    add(kGlobalFlags);
    for (const Command* command : all_commands()) {
        add(command->flags);
    }
    std::vector<Choice> all;
    for (const auto& [flag, words] : values) {
        all.push_back({flag, words});
    }
    return all;
}

// First words that another one follows.
std::vector<std::string> groups() {
    std::vector<std::string> all;
    for (const auto& [prefix, commands] : commands_by_prefix()) {
        if (!prefix.empty()) {
            all.push_back(prefix);
        }
    }
    return all;
}

// Flags that take a value, which is then no command's word.
std::vector<std::string> valued_flags() {
    std::vector<std::string> all;
    for (const FlagSpec& spec : kGlobalFlags) {
        if (spec.kind != FlagKind::kSwitch) {
            all.push_back("--" + std::string(spec.name));
            if (spec.letter != 0) {
                all.push_back(std::string("-") + spec.letter);
            }
        }
    }
    return all;
}

// Cases of bash's or zsh's function: "words so far) found=list;;".
std::string shell_cases() {
    std::string text;
    for (const Choice& choice : choices_by_words()) {
        text += "        \"" + choice.after + "\") found=\"" + choice.words + "\" ;;\n";
    }
    return text;
}

std::string value_cases() {
    std::string text;
    for (const Choice& choice : choices_by_flag()) {
        text += "        " + choice.after + ") found=\"" + choice.words + "\"; known=1 ;;\n";
    }
    return text;
}

// Finds the words for what is being typed, given the word before it and those before all of it, and
// leaves them in `found`. For bash and zsh, so with names that neither gives a meaning of its own.
std::string shell_function() {
    return "_quoratectl_words() {\n"
           "    local so_far=\"\" skip=\"\" word known=\"\"\n"
           "    found=\"\"\n"
           "    case \"$1\" in\n" +
           value_cases() +
           "    esac\n"
           "    [ -z \"$known\" ] || return 0\n"
           "    shift\n"
           "    for word in \"$@\"; do\n"
           "        if [ -n \"$skip\" ]; then skip=\"\"; continue; fi\n"
           "        case \"$word\" in\n"
           "            " +
           joined(valued_flags(), "|") +
           ") skip=1 ;;\n"
           "            -*) ;;\n"
           "            *) case \"$so_far\" in\n"
           "                \"\") so_far=\"$word\" ;;\n"
           "                " +
           joined(groups(), "|") +
           ") so_far=\"$so_far $word\" ;;\n"
           "            esac ;;\n"
           "        esac\n"
           "    done\n"
           "    case \"$so_far\" in\n" +
           shell_cases() +
           "        *) found=\"\" ;;\n"
           "    esac\n"
           "    found=\"$found --help" +
           flag_words(kGlobalFlags) +
           "\"\n"
           "}\n";
}

std::string bash_script(const Names& names) {
    std::string text = "# Completion of " + names.own + " for bash.\n" + shell_function() +
                       "_quoratectl() {\n"
                       "    local found current previous first=1\n"
                       "    current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
                       "    previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                       "    if [ \"${COMP_WORDS[0]##*/}\" = quorate ]; then\n"
                       "        [ \"${COMP_WORDS[1]}\" = ctl ] && [ \"$COMP_CWORD\" -gt 1 ] || "
                       "return 0\n"
                       "        first=2\n"
                       "    fi\n"
                       "    _quoratectl_words \"$previous\" "
                       "\"${COMP_WORDS[@]:first:COMP_CWORD-first}\"\n"
                       "    COMPREPLY=($(compgen -W \"$found\" -- \"$current\"))\n"
                       "}\n"
                       "complete -o default -F _quoratectl " +
                       names.own + "\n";
    if (names.by_quorate) {
        text += "complete -o default -F _quoratectl quorate\n";
    }
    return text;
}

// Read by `source`, or found by zsh itself as a function of its file's name, whose first call then
// defines the function and has to complete something, too.
std::string zsh_script(const Names& names) {
    const std::string all = names.own + (names.by_quorate ? " quorate" : "");
    return "#compdef " + all + "\n# Completion of " + names.own + " for zsh.\n" + shell_function() +
           "_quoratectl() {\n"
           "    local found first=2\n"
           "    if [ \"${words[1]:t}\" = quorate ]; then\n"
           "        if [ \"$words[2]\" != ctl ] || [ \"$CURRENT\" -lt 3 ]; then\n"
           "            _files\n"
           "            return\n"
           "        fi\n"
           "        first=3\n"
           "    fi\n"
           "    _quoratectl_words \"$words[CURRENT-1]\" \"${(@)words[first,CURRENT-1]}\"\n"
           "    compadd -- ${=found} || _files\n"
           "}\n"
           "if [ \"$funcstack[1]\" = _" +
           names.own +
           " ]; then\n"
           "    _quoratectl \"$@\"\n"
           "else\n"
           "    compdef _quoratectl " +
           all + "\nfi\n";
}

std::string fish_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return quoted + "'";
}

std::string fish_flags(const std::string& program, const std::string& condition,
                       std::span<const FlagSpec> flags) {
    std::string text;
    for (const FlagSpec& spec : flags) {
        text += "complete -c " + program + condition + " -l " + std::string(spec.name);
        if (spec.letter != 0) {
            text += std::string(" -s ") + spec.letter;
        }
        if (spec.kind != FlagKind::kSwitch) {
            text += " -r";
        }
        if (!spec.choices.empty()) {
            text += " -f -a " + fish_quoted(spec.choices);
        }
        text += " -d " + fish_quoted(spec.help) + "\n";
    }
    return text;
}

std::string fish_script(const Names& names) {
    const std::string complete = "complete -c " + names.own;
    std::string text = "# Completion of " + names.own + " for fish.\n" + complete + " -f\n" +
                       fish_flags(names.own, "", kGlobalFlags);
    std::set<std::string> groups;
    for (const Command* command : all_commands()) {
        const std::string first = first_word(command->name);
        const bool grouped = command->name.find(' ') != std::string_view::npos;
        if (groups.insert(first).second) {
            text += complete + " -n __fish_use_subcommand -a " + first + " -d " +
                    fish_quoted(grouped ? group_summary(first) : command->summary) + "\n";
        }
        std::string condition = "__fish_seen_subcommand_from " + first;
        if (grouped) {
            const std::string last = last_word(command->name);
            text += complete + " -n " + fish_quoted(condition) + " -a " + last + " -d " +
                    fish_quoted(command->summary) + "\n";
            condition += "; and __fish_seen_subcommand_from " + last;
        }
        text += fish_flags(names.own, " -n " + fish_quoted(condition), command->flags);
        if (!command->operand_choices.empty()) {
            text += complete + " -n " + fish_quoted(condition) + " -a " +
                    fish_quoted(command->operand_choices) + "\n";
        }
    }
    if (names.by_quorate) {
        // As if the line began with the other name.
        text +=
            "complete -c quorate -f -n "
            "'string match -qr \"^\\S*quorate +ctl \" -- (commandline -cp)' "
            "-a '(complete -C (string replace -r \"^\\S*quorate +ctl\" quoratectl -- "
            "(commandline -cp)))'\n";
    }
    return text;
}

// A table of PowerShell's: 'words so far' = 'list'. Nothing in there has a quote.
std::string powershell_table(const std::string& name, const std::vector<Choice>& choices) {
    std::string text = "    $" + name + " = @{\n";
    for (const Choice& choice : choices) {
        text += "        '" + choice.after + "' = '" + choice.words + "'\n";
    }
    return text + "    }\n";
}

std::string powershell_script(const Names& names) {
    return "# Completion of " + names.own +
           " for PowerShell.\n"
           "Register-ArgumentCompleter -Native -CommandName '" +
           names.own + (names.by_quorate ? "', 'quorate" : "") +
           "' -ScriptBlock {\n"
           "    param($current, $line, $cursor)\n" +
           powershell_table("values", choices_by_flag()) +
           powershell_table("next", choices_by_words()) + "    $valued = '" +
           joined(valued_flags(), "', '") + "'\n    $groups = '" + joined(groups(), "', '") +
           "'\n"
           "    # What stands before the word that is being typed.\n"
           "    $words = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor "
           "} |"
           " ForEach-Object { \"$_\" })\n"
           "    $first = 1\n"
           "    if ((Split-Path -Leaf $words[0]) -match '^quorate(\\.exe)?$') {\n"
           "        if ($words.Count -lt 2 -or $words[1] -ne 'ctl') { return }\n"
           "        $first = 2\n"
           "    }\n"
           "    $soFar = ''\n"
           "    $skip = $false\n"
           "    foreach ($word in $words | Select-Object -Skip $first) {\n"
           "        if ($skip) { $skip = $false }\n"
           "        elseif ($valued -ccontains $word) { $skip = $true }\n"
           "        elseif ($word -like '-*') { }\n"
           "        elseif ($soFar -eq '') { $soFar = $word }\n"
           "        elseif ($groups -ccontains $soFar) { $soFar += \" $word\" }\n"
           "    }\n"
           "    $found = $values[$words[-1]]\n"
           "    if (-not $found) { $found = \"$($next[$soFar]) --help" +
           flag_words(kGlobalFlags) +
           "\" }\n"
           "    $found -split ' ' | Where-Object { $_ -and $_ -like \"$current*\" } | "
           "ForEach-Object {\n"
           "        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', "
           "$_)\n"
           "    }\n"
           "}\n";
}

}  // namespace

Result<std::string> completion_script(std::string_view shell, std::string_view program) {
    const bool by_etcds_name = program == "etcdctl";
    const Names names{by_etcds_name ? "etcdctl" : "quoratectl", !by_etcds_name};
    if (shell == "bash") {
        return bash_script(names);
    }
    if (shell == "zsh") {
        return zsh_script(names);
    }
    if (shell == "fish") {
        return fish_script(names);
    }
    if (shell == "powershell") {
        return powershell_script(names);
    }
    return Status(errors::kUsage, "no completion for the shell \"" + std::string(shell) +
                                      "\": must be bash, zsh, fish or powershell");
}

}  // namespace quorate::ctl
