// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include "base/errors.h"
#include "config/config_file.h"
#include "config/given.h"
#include "config/options.h"
#include "config/resolve.h"
#include "config/values.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <map>

namespace quorate::config {

namespace {

using Chosen = std::map<const Option*, Given>;

// Later ones win: the file is added first, the command line last.
void choose(Chosen& chosen, std::vector<Given> given) {
    for (Given& one : given) {
        const Option* option = one.option;
        chosen.insert_or_assign(option, std::move(one));
    }
}

bool is_set(const Chosen& chosen, std::string_view name) {
    return chosen.count(find_option(name)) != 0;
}

// Puts origin and value before what is allowed. Flags fail as the command line does.
Status explain(const Given& given, const Status& reason) {
    std::string text;
    const size_t place = given.origin.rfind(": ");  // of a file
    if (place != std::string::npos) {
        text = given.origin.substr(0, place + 2) + "invalid value " + in_quotes(given.text) +
               " for " + given.origin.substr(place + 2);
    } else {
        text = "invalid value " + in_quotes(given.text) + " for " + given.origin;
    }
    return {given.from_flag ? errors::kUsage : errors::kConfig, text + ": " + reason.message()};
}

Status apply_all(const Chosen& chosen, Draft& draft) {
    for (const Option& option : option_table()) {
        if (option.apply == nullptr) {
            continue;
        }
        const auto given = chosen.find(&option);
        if (given != chosen.end()) {
            if (Status s = option.apply(draft, given->second.text); !s.ok()) {
                return explain(given->second, s);
            }
        } else if (!option.is_derived()) {
            const Status s = option.apply(draft, option.default_text);
            QUORATE_ASSERT(s.ok());
        }
    }
    return {};
}

// What was given but is not supported: refused or warned about.
Status check_support(const Chosen& chosen, std::vector<Note>& notes) {
    for (const auto& [option, given] : chosen) {
        if (option->support == Support::kLegacy) {
            notes.push_back({log::Level::kWarn,
                             "ignoring an option",
                             {{"option", option->name}, {"reason", option->note}}});
        }
        if (given.text == option->default_text) {
            continue;
        }
        if (option->support == Support::kRefused) {
            return {errors::kConfig, given.origin + " " + in_quotes(given.text) +
                                         " is not supported: " + std::string(option->note)};
        }
        if (option->support == Support::kNoEffect) {
            notes.push_back({log::Level::kWarn,
                             "an option has no effect",
                             {{"option", option->name},
                              {"value", option->secret ? "***" : given.text},
                              {"reason", option->note}}});
        }
    }
    return {};
}

std::string plugin_text(const PluginChoice& choice) {
    std::string text = choice.name;
    for (const auto& [key, value] : choice.options) {
        text += "," + key + "=" + value;
    }
    return text;
}

std::vector<log::Field> effective_options(const Chosen& chosen, const Draft& draft) {
    const Config& config = draft.config;
    const std::map<std::string_view, std::string> derived = {
        {"data-dir", config.member.data_dir},
        {"initial-cluster", draft.initial_cluster},
        {"storage", plugin_text(config.plugins.storage)},
        {"transport", plugin_text(config.plugins.transport)},
        {"auth", plugin_text(config.plugins.auth)},
        {"plugin-dir", config.plugins.dir},
    };
    std::vector<log::Field> fields;
    for (const Option& option : option_table()) {
        if (option.apply == nullptr) {
            continue;
        }
        const auto given = chosen.find(&option);
        const auto computed = derived.find(option.name);
        std::string text(option.default_text);
        if (computed != derived.end()) {
            text = computed->second;
        } else if (given != chosen.end()) {
            text = given->second.text;
        }
        fields.emplace_back(option.name, option.secret && !text.empty() ? "***" : text);
    }
    return fields;
}

// The file to read, from the flag or else from the environment; empty for none.
std::string config_path(const std::vector<Given>& flags,
                        const std::vector<std::string>& environment) {
    std::string path;
    for (const std::string& entry : environment) {
        for (const std::string_view name : {"ETCD_CONFIG_FILE=", "QUORATE_CONFIG_FILE="}) {
            if (entry.compare(0, name.size(), name) == 0) {
                path = entry.substr(name.size());
            }
        }
    }
    for (const Given& flag : flags) {
        if (flag.option->name == "config-file") {
            path = flag.text;
        }
    }
    return path;
}

// With etcd's file only what etcd has no key for still counts from elsewhere.
void keep_ours(std::vector<Given>& given) {
    given.erase(std::remove_if(given.begin(), given.end(),
                               [](const Given& one) { return !one.option->ours; }),
                given.end());
}

// Everything that was given, the strongest source of each option.
Status collect(const Inputs& inputs, CommandLine& line, Chosen& chosen, Draft& draft,
               Loaded& loaded) {
    std::vector<Note>& notes = loaded.notes;
    FileOptions file;
    bool etcds = false;
    if (const std::string path = config_path(line.given, inputs.environment); !path.empty()) {
        const Result<std::string> content =
            inputs.read_file ? inputs.read_file(path) : read_config_file(path);
        if (!content) {
            return content.error();
        }
        etcds = is_etcd_file(path, *content);
        Result<FileOptions> parsed =
            etcds ? options_of_etcd_file(path, *content) : options_of_own_file(path, *content);
        if (!parsed) {
            return parsed.error();
        }
        file = std::move(parsed).value();
        if (etcds) {
            keep_ours(line.given);
            notes.push_back({log::Level::kInfo,
                             "loaded server configuration, other configuration command line flags "
                             "and environment variables will be ignored if provided",
                             {{"path", path}}});
        }
    }
    Result<EnvironmentOptions> environment = parse_environment(inputs.environment, line.given);
    if (!environment) {
        return environment.error();
    }
    if (etcds) {
        keep_ours(environment->given);
    } else {
        notes.insert(notes.end(), environment->notes.begin(), environment->notes.end());
    }
    notes.insert(notes.end(), file.notes.begin(), file.notes.end());
    draft.sections = std::move(file.sections);
    loaded.plugin_lines = std::move(file.plugin_lines);
    choose(chosen, std::move(file.given));
    choose(chosen, std::move(environment->given));
    choose(chosen, std::move(line.given));
    return {};
}

}  // namespace

Inputs inputs_of_process(int argc, const char* const* argv, const char* const* environment) {
    Inputs inputs;
    for (int i = 1; i < argc; ++i) {
        inputs.arguments.emplace_back(argv[i]);
    }
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        inputs.environment.emplace_back(*environment);
    }
    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length > 0) {
        inputs.executable_dir =
            std::filesystem::path(std::string(path, static_cast<size_t>(length)))
                .parent_path()
                .string();
    }
    return inputs;
}

namespace {

// Whatever was echoed into an error, it stays one line.
Status on_one_line(const Status& status) {
    std::string text = status.message();
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
    return {status.is(errors::kUsage) ? errors::kUsage : errors::kConfig, std::move(text)};
}

Result<Loaded> load_inputs(const Inputs& inputs) {
    Loaded loaded;
    Result<CommandLine> line = parse_command_line(inputs.arguments);
    if (!line) {
        return line.error();
    }
    loaded.command = line->command;
    if (line->command == Command::kHelp || line->command == Command::kVersion) {
        return loaded;
    }
    Draft draft;
    Chosen chosen;
    if (Status s = collect(inputs, *line, chosen, draft, loaded); !s.ok()) {
        return s;
    }
    if (Status s = apply_all(chosen, draft); !s.ok()) {
        return s;
    }
    const ResolveInputs resolve_inputs{
        [&chosen](std::string_view name) { return is_set(chosen, name); }, inputs.executable_dir};
    if (Status s = resolve(draft, resolve_inputs, loaded.notes); !s.ok()) {
        return s;
    }
    if (Status s = validate(draft, loaded.notes); !s.ok()) {
        return s;
    }
    if (Status s = check_support(chosen, loaded.notes); !s.ok()) {
        return s;
    }
    loaded.effective = effective_options(chosen, draft);
    loaded.config = std::move(draft.config);
    return loaded;
}

}  // namespace

Result<Loaded> load(const Inputs& inputs) {
    Result<Loaded> loaded = load_inputs(inputs);
    if (!loaded) {
        return on_one_line(loaded.error());
    }
    return loaded;
}

namespace {

// Whether the complaint is about this key, and the plugin was given what the line says.
bool is_about(const std::string& text, const PluginLine& line, const PluginChoice& choice) {
    const bool named = text.find(" option \"" + line.key + "\"") != std::string::npos ||
                       text.find(" option " + line.key + " ") != std::string::npos;
    return named && std::any_of(choice.options.begin(), choice.options.end(), [&](const auto& o) {
               return o.first == line.key && o.second == line.value;
           });
}

}  // namespace

Status with_line(const Status& error, const Loaded& loaded) {
    const PluginConfig& plugins = loaded.config.plugins;
    const std::pair<std::string_view, const PluginChoice*> chosen[] = {
        {"storage", &plugins.storage}, {"transport", &plugins.transport}, {"auth", &plugins.auth}};
    const std::string text = error.message();
    for (const auto& [kind, choice] : chosen) {
        if (!text.starts_with(std::string(kind) + " plugin " + choice->name + ": ")) {
            continue;
        }
        for (const PluginLine& line : loaded.plugin_lines) {
            if (line.section == std::string(kind) + "." + choice->name &&
                is_about(text, line, *choice)) {
                return {error.is(errors::kPlugin) ? errors::kPlugin : errors::kConfig,
                        line.place + ": " + text};
            }
        }
    }
    return error;
}

int exit_code(const Status& status) {
    const std::pair<const ErrorDef*, ExitCode> kinds[] = {
        {&errors::kUsage, ExitCode::kUsage},      {&errors::kConfig, ExitCode::kConfiguration},
        {&errors::kPlugin, ExitCode::kPlugin},    {&errors::kDamaged, ExitCode::kData},
        {&errors::kForeignData, ExitCode::kData}, {&errors::kNewerFormat, ExitCode::kData},
        {&errors::kAddress, ExitCode::kAddress},
    };
    for (const auto& [error, code] : kinds) {
        if (status.is(*error)) {
            return static_cast<int>(code);
        }
    }
    return static_cast<int>(ExitCode::kFailure);
}

}  // namespace quorate::config
