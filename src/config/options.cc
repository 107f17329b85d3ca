// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include "config/option_rows.h"

namespace quorate::config {

std::string_view group_title(Group group) {
    switch (group) {
        case Group::kMember:
            return "Member";
        case Group::kClustering:
            return "Clustering";
        case Group::kSecurity:
            return "Security";
        case Group::kAuth:
            return "Auth";
        case Group::kMonitoring:
            return "Monitoring";
        case Group::kLogging:
            return "Logging";
        case Group::kChecks:
            return "Interfaces and checks";
        case Group::kUnsafe:
            return "Unsafe";
        case Group::kPlugins:
            return "Plugins";
        case Group::kProgram:
            return "Program";
    }
    QUORATE_ASSERT(false);
}

const std::vector<Option>& option_table() {
    static const std::vector<Option> table = [] {
        std::vector<Option> rows;
        for (const std::vector<Option>& part :
             {member_rows(), clustering_rows(), security_rows(), service_rows(), program_rows()}) {
            rows.insert(rows.end(), part.begin(), part.end());
        }
        return rows;
    }();
    return table;
}

std::string help_of(const Option& option) {
    std::string help(option.help);
    if (option.support == Support::kNoEffect) {
        help += " No effect: " + std::string(option.note) + ".";
    } else if (option.support == Support::kRefused) {
        help += " Refused: " + std::string(option.note) + ".";
    }
    return help;
}

const Option* find_option(std::string_view name) {
    for (const Option& option : option_table()) {
        if (option.name == name) {
            return &option;
        }
    }
    return nullptr;
}

std::string_view suggest_option(std::string_view name) {
    constexpr std::string_view kExperimental = "experimental-";
    if (name.substr(0, kExperimental.size()) == kExperimental) {
        const Option* successor = find_option(name.substr(kExperimental.size()));
        return successor == nullptr ? "feature-gates" : successor->name;
    }
    std::vector<std::string_view> names;
    for (const Option& option : option_table()) {
        if (option.support != Support::kLegacy) {
            names.push_back(option.name);
        }
    }
    return closest(name, names);
}

std::string variable_name(std::string_view prefix, const Option& option) {
    std::string name(prefix);
    for (const char c : option.name) {
        if (c >= 'a' && c <= 'z') {
            name += static_cast<char>(c - 'a' + 'A');
        } else {
            name += c == '-' ? '_' : c;
        }
    }
    return name;
}

}  // namespace quorate::config
