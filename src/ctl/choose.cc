// SPDX-License-Identifier: Apache-2.0
#include "ctl/choose.h"

#include "base/errors.h"
#include "ctl/commands.h"
#include "ctl/options.h"

#include <set>

namespace quorate::ctl {
namespace {

// The places of the words that are no flags and no flags' values, up to "--".
std::vector<size_t> word_places(const std::vector<std::string>& arguments) {
    std::vector<size_t> places;
    for (size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
        const std::string& argument = arguments[i];
        if (argument.size() < 2 || argument[0] != '-') {
            places.push_back(i);
            continue;
        }
        if (argument.find('=') != std::string::npos) {
            continue;
        }
        const FlagSpec* spec = nullptr;
        if (argument.starts_with("--")) {
            spec = find_flag({kGlobalFlags}, argument.substr(2));
        } else if (argument.size() == 2) {
            for (const FlagSpec& one : kGlobalFlags) {
                spec = one.letter == argument[1] ? &one : spec;
            }
        }
        if (spec != nullptr && spec->kind != FlagKind::kSwitch) {
            ++i;  // its value
        }
    }
    return places;
}

// Those of the names that a word can mean: itself, or all that begin with it.
std::set<std::string> meanings(const std::string& word, const std::set<std::string>& names) {
    if (names.contains(word)) {
        return {word};
    }
    std::set<std::string> found;
    for (const std::string& name : names) {
        if (name.starts_with(word)) {
            found.insert(name);
        }
    }
    return found;
}

Status unknown(const std::string& word, std::string_view program, const std::string& group) {
    const std::string whole = std::string(program) + (group.empty() ? "" : " " + group);
    return {errors::kUsage, "unknown command \"" + word + "\" for \"" + whole + "\"; \"" + whole +
                                " --help\" lists the commands"};
}

}  // namespace

Result<Chosen> choose_command(const std::vector<std::string>& arguments, std::string_view program) {
    Chosen chosen;
    chosen.arguments = arguments;
    const std::vector<size_t> places = word_places(arguments);
    std::set<std::string> names;
    for (const Command* command : all_commands()) {
        names.insert(std::string(command->name.substr(0, command->name.find(' '))));
    }
    size_t taken = 0;
    std::string so_far;
    while (taken < places.size()) {
        const std::string& word = arguments[places[taken]];
        const auto found = meanings(word, names);
        if (found.size() != 1) {
            return unknown(word, program, so_far);
        }
        ++taken;
        so_far += (so_far.empty() ? "" : " ") + *found.begin();
        names.clear();
        for (const Command* command : all_commands()) {
            if (command->name == so_far) {
                chosen.command = command;
            } else if (command->name.starts_with(so_far + " ")) {
                chosen.group = so_far;
                names.insert(std::string(command->name.substr(so_far.size() + 1)));
            }
        }
        if (chosen.command != nullptr) {
            break;
        }
    }
    for (size_t i = taken; i-- > 0;) {
        chosen.arguments.erase(chosen.arguments.begin() + static_cast<std::ptrdiff_t>(places[i]));
    }
    return chosen;
}

}  // namespace quorate::ctl
