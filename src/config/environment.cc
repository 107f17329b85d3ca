// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "config/given.h"
#include "config/values.h"

#include <algorithm>
#include <array>
#include <map>

namespace quorate::config {

namespace {

constexpr std::string_view kEtcdPrefix = "ETCD_";
constexpr std::string_view kOwnPrefix = "QUORATE_";

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

using Variables = std::map<std::string, const Option*, std::less<>>;

// The option that each variable name stands for.
Variables make_known_variables() {
    Variables known;
    for (const Option& option : option_table()) {
        if (option.name == "help" || option.name == "version") {
            continue;
        }
        if (!option.ours) {
            known.emplace(variable_name(kEtcdPrefix, option), &option);
        }
        known.emplace(variable_name(kOwnPrefix, option), &option);
    }
    return known;
}

const Variables& known_variables() {
    static const Variables known = make_known_variables();
    return known;
}

bool is_given(const std::vector<Given>& given, const Option* option) {
    return std::any_of(given.begin(), given.end(),
                       [option](const Given& one) { return one.option == option; });
}

Note unrecognized(std::string_view name) {
    return {
        log::Level::kWarn, "unrecognized environment variable", {{"environment-variable", name}}};
}

class Reader {
  public:
    explicit Reader(const std::vector<Given>& flags) : flags_(flags) {}

    Status variable(std::string_view entry) {
        const size_t equals = std::min(entry.find('='), entry.size());
        const std::string_view name = entry.substr(0, equals);
        const std::string_view value = entry.substr(std::min(equals + 1, entry.size()));
        if (!starts_with(name, kEtcdPrefix) && !starts_with(name, kOwnPrefix)) {
            return {};
        }
        if (name == "ETCD_VERSION") {
            out_.notes.push_back({log::Level::kWarn,
                                  "cannot set special environment variable",
                                  {{"key", name}, {"value", value}}});
            return {};
        }
        if (name == "ETCD_UNSUPPORTED_ARCH") {
            return {};
        }
        const auto found = known_variables().find(name);
        if (found == known_variables().end()) {
            out_.notes.push_back(unrecognized(name));
            return {};
        }
        return known_variable(name, value, found->second);
    }

    EnvironmentOptions take() { return std::move(out_); }

  private:
    Status known_variable(std::string_view name, std::string_view value, const Option* option) {
        if (is_given(flags_, option)) {
            return {errors::kConfig,
                    "conflicting environment variable " + in_quotes(name) +
                        " is shadowed by corresponding command-line flag (either unset environment "
                        "variable or disable flag)"};
        }
        if (value.empty()) {
            return {};
        }
        if (is_given(out_.given, option)) {
            return {errors::kConfig, "conflicting environment variables " +
                                         in_quotes(variable_name(kEtcdPrefix, *option)) + " and " +
                                         in_quotes(variable_name(kOwnPrefix, *option)) +
                                         " are both set (unset one of them)"};
        }
        out_.given.push_back(
            {option, std::string(value), "environment variable " + std::string(name), false});
        out_.notes.push_back(
            {log::Level::kInfo,
             "recognized and used environment variable",
             {{"variable-name", name}, {"variable-value", option->secret ? "***" : value}}});
        return {};
    }

    const std::vector<Given>& flags_;
    EnvironmentOptions out_;
};

}  // namespace

Result<EnvironmentOptions> parse_environment(const std::vector<std::string>& environment,
                                             const std::vector<Given>& flags) {
    Reader reader(flags);
    for (const std::string& entry : environment) {
        if (Status s = reader.variable(entry); !s.ok()) {
            return s;
        }
    }
    return reader.take();
}

}  // namespace quorate::config
