// SPDX-License-Identifier: Apache-2.0
//
// Everything a user can write, through load(). An input is lines: arguments, and variables behind a
// dollar sign, up to an empty line; the rest is what every configuration file holds.
#include "base/assert.h"
#include "config/load.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

using quorate::Result;
namespace config = quorate::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    config::Inputs inputs;
    while (!rest.empty() && rest.front() != '\n') {
        const size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        if (line.front() == '$') {
            inputs.environment.emplace_back(line.substr(1));
        } else {
            inputs.arguments.emplace_back(line);
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    const std::string file(rest.empty() ? rest : rest.substr(1));
    inputs.read_file = [&file](const std::string&) -> Result<std::string> { return file; };

    const Result<config::Loaded> loaded = config::load(inputs);
    if (!loaded) {
        const std::string message = loaded.error().message();
        QUORATE_ASSERT(!message.empty());
        QUORATE_ASSERT(message.find('\n') == std::string::npos);
        const int code = config::exit_code(loaded.error());
        QUORATE_ASSERT(code >= 1 && code <= 3);
    } else if (loaded->command == config::Command::kRun) {
        QUORATE_ASSERT(!loaded->config.plugins.storage.name.empty());
        QUORATE_ASSERT(!loaded->config.member.data_dir.empty());
        QUORATE_ASSERT(!loaded->effective.empty());
    }
    return 0;
}
