// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "config/config_file.h"
#include "config/given.h"
#include "config/values.h"

namespace quorate::config {

namespace {

Status fail(const std::string& path, size_t line, const std::string& what) {
    return {errors::kConfig, path + ":" + std::to_string(line) + ": " + what};
}

std::string hint(std::string_view meant) {
    return meant.empty() ? "" : " (did you mean " + std::string(meant) + "?)";
}

// Whether `section` is "storage.name", "transport.name" or "auth.name".
bool is_plugin_section(std::string_view section) {
    const size_t dot = section.find('.');
    const std::string_view kind = section.substr(0, dot);
    if (dot == std::string_view::npos ||
        (kind != "storage" && kind != "transport" && kind != "auth")) {
        return false;
    }
    const std::string_view name = section.substr(dot + 1);
    return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
                                std::string_view::npos;
}

}  // namespace

Result<FileOptions> options_of_own_file(const std::string& path, std::string_view content) {
    const Result<std::vector<FileEntry>> entries = parse_config_file(path, content);
    if (!entries) {
        return entries.error();
    }
    FileOptions out;
    for (const FileEntry& entry : *entries) {
        if (!entry.section.empty()) {
            if (!is_plugin_section(entry.section)) {
                return fail(path, entry.line,
                            "unknown section " + in_quotes(entry.section) +
                                ", sections are [storage.NAME], [transport.NAME] and [auth.NAME]");
            }
            // Lines that are put behind all others would count for a plugin that need not be in
            // use.
            if (find_option(entry.key) != nullptr) {
                return fail(path, entry.line,
                            entry.key +
                                " is the server's, not a plugin's: it stands above the "
                                "first section, not in [" +
                                entry.section + "]");
            }
            out.sections[entry.section].emplace_back(entry.key, entry.value);
            out.plugin_lines.push_back(
                {entry.section, entry.key, entry.value, path + ":" + std::to_string(entry.line)});
            continue;
        }
        const Option* option = find_option(entry.key);
        if (option == nullptr) {
            return fail(path, entry.line,
                        "unknown key " + in_quotes(entry.key) + hint(suggest_option(entry.key)));
        }
        if (option->apply == nullptr) {
            return fail(path, entry.line, entry.key + " is for the command line only");
        }
        out.given.push_back(
            {option, entry.value, path + ":" + std::to_string(entry.line) + ": " + entry.key});
    }
    return out;
}

}  // namespace quorate::config
