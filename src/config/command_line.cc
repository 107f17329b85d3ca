// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "config/given.h"
#include "config/help.h"
#include "config/values.h"

#include <boost/program_options.hpp>

#include <algorithm>
#include <sstream>

namespace quorate::config {

namespace {

namespace po = boost::program_options;

Status usage(std::string text) {
    return {errors::kUsage, std::move(text)};
}

po::option make_option(std::string name, std::string value) {
    po::option option;
    option.string_key = std::move(name);
    option.value.push_back(std::move(value));
    return option;
}

// An error of ours on its way through Boost's parser, which knows only exceptions.
struct UsageError {
    Status status;
};

// Boost's hook for a style of its own: takes one flag, or everything behind the flags, off the
// front of `arguments`. A key that stays empty marks a plain argument.
std::vector<po::option> go_style(std::vector<std::string>& arguments) {
    std::string token = arguments.front();
    const bool plain = token.size() < 2 || token.front() != '-';
    if (plain || token == "--") {
        if (!plain) {
            arguments.erase(arguments.begin());
        }
        std::vector<po::option> rest;
        for (std::string& argument : arguments) {
            rest.push_back(make_option("", std::move(argument)));
        }
        arguments.clear();
        return rest;
    }
    arguments.erase(arguments.begin());
    const std::string given = token;
    token.erase(0, token[1] == '-' ? 2 : 1);
    const size_t equals = token.find('=');
    const bool has_value = equals != std::string::npos;
    std::string name = token.substr(0, equals);
    if (name.empty() || name.front() == '-') {
        throw UsageError{usage("bad flag syntax: " + in_quotes(given))};
    }
    if (name == "h" || name == "help") {
        arguments.clear();
        return {make_option("help", "true")};
    }
    const Option* option = find_option(name);
    if (option == nullptr) {
        const std::string_view meant = suggest_option(name);
        throw UsageError{
            usage("flag provided but not defined: -" + in_quotes(name).substr(1, name.size()) +
                  (meant.empty() ? "" : " (did you mean --" + std::string(meant) + "?)"))};
    }
    if (has_value) {
        return {make_option(std::move(name), token.substr(equals + 1))};
    }
    if (option->is_switch()) {
        return {make_option(std::move(name), "true")};
    }
    if (arguments.empty()) {
        throw UsageError{usage("flag needs an argument: -" + name)};
    }
    std::string value = std::move(arguments.front());
    arguments.erase(arguments.begin());
    return {make_option(std::move(name), std::move(value))};
}

Status note_option(CommandLine& line, const po::option& parsed) {
    if (parsed.string_key.empty()) {
        return usage(
            in_quotes(parsed.value.front()) +
            " is not a valid flag; the commands are those of quorate ctl and quorate util");
    }
    const Option* option = find_option(parsed.string_key);
    QUORATE_ASSERT(option != nullptr);
    const std::string& text = parsed.value.front();
    Given given{option, text, "flag --" + parsed.string_key, true};
    // Of what etcd ignores it takes any value.
    const bool is_ignored = option->support == Support::kLegacy;
    if (!option->is_switch() || option->apply != nullptr || is_ignored) {
        line.given.push_back(std::move(given));
        return {};
    }
    const Result<bool> on = to_bool(text);
    if (!on) {
        return usage("invalid value " + in_quotes(text) + " for " + given.origin + ": " +
                     on.error().message());
    }
    if (*on) {
        line.command = option->name == "help"           ? Command::kHelp
                       : option->name == "version"      ? Command::kVersion
                       : option->name == "check-config" ? Command::kCheckConfig
                                                        : Command::kListPlugins;
    }
    return {};
}

}  // namespace

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments) {
    static const po::options_description description = describe_options();
    CommandLine line;
    try {
        const po::parsed_options parsed = po::command_line_parser(arguments)
                                              .options(description)
                                              .extra_style_parser(go_style)
                                              .run();
        for (const po::option& option : parsed.options) {
            if (Status s = note_option(line, option); !s.ok()) {
                return s;
            }
            if (line.command == Command::kHelp) {
                break;
            }
        }
    } catch (const UsageError& e) {
        return e.status;
    } catch (const po::error& e) {
        return usage(e.what());
    }
    return line;
}

}  // namespace quorate::config
