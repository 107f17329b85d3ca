// SPDX-License-Identifier: Apache-2.0
#include "util/command.h"

#include "base/errors.h"

#include <algorithm>
#include <charconv>

namespace quorate::util {
namespace {

constexpr size_t kHelpColumn = 42;

Status usage(const Command& command, const std::string& what) {
    return {errors::kUsage,
            what + "; see \"quorate util " + std::string(command.name) + " --help\""};
}

const OptionSpec* find_letter(const Command& command, char letter) {
    for (const auto& group : command.options) {
        for (const OptionSpec& option : group) {
            if (option.letter == letter) {
                return &option;
            }
        }
    }
    return nullptr;
}

// --name value, --name=value, -w value, -w=value, and a switch alone or with =true or =false.
class Parser {
  public:
    Parser(const Command& command, std::span<const std::string> arguments)
        : command_(command), arguments_(arguments) {}

    Result<Invocation> run() {
        bool only_operands = false;
        while (next_ < arguments_.size()) {
            const std::string& argument = arguments_[next_++];
            if (!only_operands && argument == "--") {
                only_operands = true;
            } else if (only_operands || argument.size() < 2 || argument[0] != '-') {
                invocation_.operands.push_back(argument);
            } else if (Status s = take_option(argument); !s.ok()) {
                return s;
            }
        }
        if (invocation_.operands.size() < command_.operands_min) {
            return usage(command_,
                         std::string(command_.name) + " needs " + std::string(command_.operands));
        }
        if (invocation_.operands.size() > command_.operands_max) {
            return usage(command_, "\"" + invocation_.operands[command_.operands_max] +
                                       "\" is one argument too many for " +
                                       std::string(command_.name));
        }
        return std::move(invocation_);
    }

  private:
    Status take_option(const std::string& argument) {
        const size_t equals = std::min(argument.find('='), argument.size());
        const std::string head = argument.substr(0, equals);
        const OptionSpec* option = head.starts_with("--") ? command_.find(head.substr(2))
                                   : head.size() == 2     ? find_letter(command_, head[1])
                                                          : nullptr;
        if (option == nullptr) {
            return usage(command_, "unknown option \"" + head + "\"");
        }
        std::string value = equals == argument.size() ? "" : argument.substr(equals + 1);
        if (option->value_name.empty()) {
            if (equals == argument.size()) {
                value = "true";
            } else if (value != "true" && value != "false") {
                return usage(command_, "invalid value \"" + value + "\" for " + head +
                                           ": must be true or false");
            }
        } else if (equals == argument.size()) {
            if (next_ == arguments_.size()) {
                return usage(command_, head + " needs a value");
            }
            value = arguments_[next_++];
        }
        invocation_.options.insert_or_assign(std::string(option->name), std::move(value));
        return {};
    }

    const Command& command_;
    const std::span<const std::string> arguments_;
    size_t next_ = 0;
    Invocation invocation_;
};

}  // namespace

bool Invocation::on(std::string_view name) const {
    return text(name) == "true";
}

std::string_view Invocation::text(std::string_view name, std::string_view otherwise) const {
    const auto found = options.find(name);
    return found == options.end() ? otherwise : std::string_view(found->second);
}

Result<int64_t> Invocation::number(std::string_view name, int64_t otherwise) const {
    if (!given(name)) {
        return otherwise;
    }
    const std::string_view given_text = text(name);
    int64_t value = 0;
    const auto [end, error] =
        std::from_chars(given_text.data(), given_text.data() + given_text.size(), value);
    if (error != std::errc() || end != given_text.data() + given_text.size() || value < 0) {
        return Status(errors::kUsage, "invalid value \"" + std::string(given_text) + "\" for --" +
                                          std::string(name) + ": must be a number of 0 or more");
    }
    return value;
}

const OptionSpec* Command::find(std::string_view option) const {
    for (const auto& group : options) {
        for (const OptionSpec& one : group) {
            if (one.name == option) {
                return &one;
            }
        }
    }
    return nullptr;
}

Result<Invocation> parse(const Command& command, std::span<const std::string> arguments) {
    return Parser(command, arguments).run();
}

std::string help_of(const Command& command) {
    std::string text = "Usage: quorate util " + std::string(command.name);
    if (!command.operands.empty()) {
        text += " " + std::string(command.operands);
    }
    text += " [options]\n\n" + std::string(command.summary) + "\n";
    if (!command.details.empty()) {
        text += "\n" + std::string(command.details) + "\n";
    }
    text += "\nOptions:\n";
    for (const auto& group : command.options) {
        for (const OptionSpec& option : group) {
            std::string line = option.letter == 0 ? std::string("      --")
                                                  : std::string("  -") + option.letter + ", --";
            line += std::string(option.name);
            if (!option.value_name.empty()) {
                line += " " + std::string(option.value_name);
            }
            line.resize(std::max(line.size() + 2, kHelpColumn), ' ');
            text += line + std::string(option.help) + "\n";
        }
    }
    return text;
}

}  // namespace quorate::util
