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

// A case of bash's or zsh's function: "words so far) list;;".
std::string shell_cases() {
    std::string text;
    for (const auto& [prefix, commands] : commands_by_prefix()) {
        text += "        \"" + prefix + "\") words=\"" + next_words(prefix, commands) + "\" ;;\n";
    }
    for (const Command* command : all_commands()) {
        text += "        \"" + std::string(command->name) + "\") words=\"" +
                std::string(command->operand_choices) + flag_words(command->flags) + "\" ;;\n";
    }
    return text;
}

// Values of flags that have a list of them.
std::string value_cases() {
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
    std::string text;
    for (const auto& [flag, choices] : values) {
        text += "        " + flag + ") words=\"" + choices + "\"; known=1 ;;\n";
    }
    return text;
}

// Flags that take a value, which is then no command's word.
std::string valued_flags() {
    std::string text;
    for (const FlagSpec& spec : kGlobalFlags) {
        if (spec.kind != FlagKind::kSwitch) {
            text += (text.empty() ? "--" : "|--") + std::string(spec.name);
            if (spec.letter != 0) {
                text += std::string("|-") + spec.letter;
            }
        }
    }
    return text;
}

// Finds the words for what is being typed, in `words`; for bash, and for zsh in bash's manner.
std::string shell_function() {
    return "_quoratectl_words() {\n"
           "    local path=\"\" skip=\"\" word known=\"\"\n"
           "    words=\"\"\n"
           "    case \"$1\" in\n" +
           value_cases() +
           "    esac\n"
           "    [ -z \"$known\" ] || return 0\n"
           "    shift\n"
           "    for word in \"$@\"; do\n"
           "        if [ -n \"$skip\" ]; then skip=\"\"; continue; fi\n"
           "        case \"$word\" in\n"
           "            " +
           valued_flags() +
           ") skip=1 ;;\n"
           "            -*) ;;\n"
           "            *) case \"$path\" in *\" \"*) ;; \"\") path=\"$word\" ;; *) path=\"$path "
           "$word\" ;; esac ;;\n"
           "        esac\n"
           "    done\n"
           "    case \"$path\" in\n" +
           shell_cases() +
           "        *) words=\"\" ;;\n"
           "    esac\n"
           "    words=\"$words --help" +
           flag_words(kGlobalFlags) +
           "\"\n"
           "}\n";
}

std::string bash_script() {
    return "# Completion of quoratectl for bash.\n" + shell_function() +
           "_quoratectl() {\n"
           "    local words current previous first=1\n"
           "    current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
           "    previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
           "    if [ \"${COMP_WORDS[0]##*/}\" = quorate ]; then\n"
           "        [ \"${COMP_WORDS[1]}\" = ctl ] && [ \"$COMP_CWORD\" -gt 1 ] || return 0\n"
           "        first=2\n"
           "    fi\n"
           "    _quoratectl_words \"$previous\" \"${COMP_WORDS[@]:first:COMP_CWORD-first}\"\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "}\n"
           "complete -o default -F _quoratectl quoratectl\n"
           "complete -o default -F _quoratectl quorate\n";
}

std::string zsh_script() {
    return "#compdef quoratectl\n# Completion of quoratectl for zsh.\n" + shell_function() +
           "_quoratectl() {\n"
           "    emulate -L sh\n"
           "    local words_so_far current previous words=\"\"\n"
           "    words_so_far=(\"${COMP_WORDS[@]}\")\n"
           "    current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
           "    previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
           "    _quoratectl_words \"$previous\" \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "}\n"
           "autoload -U +X bashcompinit && bashcompinit\n"
           "complete -o default -F _quoratectl quoratectl\n";
}

std::string fish_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return quoted + "'";
}

std::string fish_flags(const std::string& condition, std::span<const FlagSpec> flags) {
    std::string text;
    for (const FlagSpec& spec : flags) {
        text += "complete -c quoratectl" + condition + " -l " + std::string(spec.name);
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

std::string fish_script() {
    std::string text = "# Completion of quoratectl for fish.\ncomplete -c quoratectl -f\n" +
                       fish_flags("", kGlobalFlags);
    std::string firsts;
    std::set<std::string> groups;
    for (const Command* command : all_commands()) {
        const std::string first = first_word(command->name);
        const bool grouped = command->name.find(' ') != std::string_view::npos;
        if (groups.insert(first).second) {
            text += "complete -c quoratectl -n __fish_use_subcommand -a " + first + " -d " +
                    fish_quoted(grouped ? group_summary(first) : command->summary) + "\n";
        }
        std::string condition = "__fish_seen_subcommand_from " + first;
        if (grouped) {
            const std::string last = last_word(command->name);
            text += "complete -c quoratectl -n " + fish_quoted(condition) + " -a " + last + " -d " +
                    fish_quoted(command->summary) + "\n";
            condition += "; and __fish_seen_subcommand_from " + last;
        }
        text += fish_flags(" -n " + fish_quoted(condition), command->flags);
        if (!command->operand_choices.empty()) {
            text += "complete -c quoratectl -n " + fish_quoted(condition) + " -a " +
                    fish_quoted(command->operand_choices) + "\n";
        }
    }
    return text;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
    if (shell == "bash") {
        return bash_script();
    }
    if (shell == "zsh") {
        return zsh_script();
    }
    if (shell == "fish") {
        return fish_script();
    }
    return Status(errors::kUsage, "no completion for the shell \"" + std::string(shell) +
                                      "\": must be bash, zsh or fish");
}

}  // namespace quorate::ctl
