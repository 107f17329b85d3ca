// SPDX-License-Identifier: Apache-2.0
#include "ctl/help.h"

#include "ctl/commands.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace quorate::ctl {
namespace {

constexpr std::pair<Section, std::string_view> kSections[] = {
    {Section::kKeys, "Key-value commands"},
    {Section::kCluster, "Cluster maintenance commands"},
    {Section::kConcurrency, "Concurrency commands"},
    {Section::kAuthentication, "Authentication commands"},
    {Section::kUtility, "Utility commands"},
};

using Line = std::pair<std::string, std::string>;

std::string columns(const std::vector<Line>& lines) {
    size_t width = 0;
    for (const auto& [left, right] : lines) {
        width = std::max(width, left.size());
    }
    std::string text;
    for (const auto& [left, right] : lines) {
        text += "  " + left + std::string(width - left.size() + 2, ' ') + right + "\n";
    }
    return text;
}

std::string_view kind_word(FlagKind kind) {
    switch (kind) {
        case FlagKind::kSwitch:
            return "";
        case FlagKind::kText:
            return " string";
        case FlagKind::kInt:
            return " int";
        case FlagKind::kCount:
            return " uint";
        case FlagKind::kDuration:
            return " duration";
    }
    return "";
}

Line flag_line(const FlagSpec& spec) {
    std::string left =
        spec.letter == 0 ? std::string("    --") : std::string("-") + spec.letter + ", --";
    left += std::string(spec.name) + std::string(kind_word(spec.kind));
    std::string right(spec.help);
    const bool usual = spec.fallback.empty() || spec.fallback == "false" ||
                       (spec.fallback == "0" && spec.kind != FlagKind::kText);
    if (!usual) {
        right += spec.kind == FlagKind::kText ? " (default \"" + std::string(spec.fallback) + "\")"
                                              : " (default " + std::string(spec.fallback) + ")";
    }
    return {std::move(left), std::move(right)};
}

std::string ending(std::string_view program) {
    return "Use \"" + std::string(program) +
           " options\" for a list of global command-line options (applies to all commands).\n";
}

// One line for each command, and one for each group of them.
std::vector<Line> section_lines(Section section) {
    std::vector<Line> lines;
    std::set<std::string> groups;
    for (const Command* command : all_commands()) {
        if (command->section != section) {
            continue;
        }
        const size_t blank = command->name.find(' ');
        const std::string first(command->name.substr(0, blank));
        if (blank == std::string_view::npos) {
            lines.emplace_back(first, command->summary);
        } else if (groups.insert(first).second) {
            lines.emplace_back(first, group_summary(first));
        }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

}  // namespace

std::string help_of_flags(std::span<const FlagSpec> flags) {
    std::vector<Line> lines;
    for (const FlagSpec& spec : flags) {
        lines.push_back(flag_line(spec));
    }
    return columns(lines);
}

std::string help_of_all(std::string_view program) {
    const std::string name(program);
    std::string text =
        "A command line client for Quorate and etcd.\n\nUsage:\n  " + name + " [command]\n";
    for (const auto& [section, title] : kSections) {
        text += "\n" + std::string(title) + "\n" + columns(section_lines(section));
    }
    return text + "\nUse \"" + name +
           " [command] --help\" for more information about a command.\n" + ending(program);
}

std::string help_of_group(std::string_view group, std::string_view program) {
    const std::string whole = std::string(program) + " " + std::string(group);
    std::vector<Line> lines;
    for (const Command* command : all_commands()) {
        if (command->name.starts_with(std::string(group) + " ")) {
            lines.emplace_back(command->name.substr(group.size() + 1), command->summary);
        }
    }
    return std::string(group_summary(group)) + "\n\nUsage:\n  " + whole +
           " [command]\n\nAvailable Commands:\n" + columns(lines) + "\nUse \"" + whole +
           " [command] --help\" for more information about a command.\n" + ending(program);
}

std::string help_of(const Command& command, std::string_view program) {
    std::string text = std::string(command.summary) + "\n\nUsage:\n  " + std::string(program) +
                       " " + std::string(command.name);
    if (!command.flags.empty()) {
        text += " [options]";
    }
    if (!command.operands.empty()) {
        text += " " + std::string(command.operands);
    }
    text += "\n";
    if (!command.details.empty()) {
        text += "\n" + std::string(command.details) + "\n";
    }
    if (!command.flags.empty()) {
        text += "\nFlags:\n" + help_of_flags(command.flags);
    }
    return text + "\n" + ending(program);
}

}  // namespace quorate::ctl
