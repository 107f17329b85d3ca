// SPDX-License-Identifier: Apache-2.0
#include "engines.h"

#include "base/clock.h"
#include "base/errors.h"
#include "base/metrics.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "storage/mem_backend.h"
#include "storage/plugin_backend.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace quorate::storage::testing {

namespace {

// One per process and folder, as a plugin has one set of services.
plugin::Loader& loader_for(const std::string& dir) {
    static SystemClock clock;
    static metrics::Registry registry;
    static plugin::Host host(registry, clock);
    static std::map<std::string, std::unique_ptr<plugin::Loader>> loaders;
    std::unique_ptr<plugin::Loader>& loader = loaders[dir];
    if (loader == nullptr) {
        loader = std::make_unique<plugin::Loader>(dir, host);
    }
    return *loader;
}

}  // namespace

EngineUnderTest engine_by_file(const std::string& file) {
    if (file == "mem") {
        return {"mem", "", {}};
    }
    const std::string stem = std::filesystem::path(file).stem();
    return {stem.substr(stem.find('_') + 1), file, {}};
}

bool add_option(EngineUnderTest& engine, std::string_view text) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
        return false;
    }
    engine.options.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    return true;
}

std::vector<std::string> engine_arguments(const EngineUnderTest& engine) {
    std::vector<std::string> arguments = {engine.plugin_file};
    for (const auto& [key, value] : engine.options) {
        arguments.push_back(key + '=' + value);
    }
    return arguments;
}

EngineUnderTest engine_from_arguments(int argc, char** argv) {
    EngineUnderTest engine = engine_by_file(argv[0]);
    for (int i = 1; i < argc; ++i) {
        add_option(engine, argv[i]);
    }
    return engine;
}

Result<std::unique_ptr<Backend>> open_engine(const EngineUnderTest& engine,
                                             const std::string& dir) {
    if (!engine.persistent()) {
        return std::unique_ptr<Backend>(std::make_unique<MemBackend>());
    }
    plugin::Loader& loader =
        loader_for(std::filesystem::path(engine.plugin_file).parent_path().string());
    const Result<const plugin::Plugin*> plugin = loader.load("storage", engine.name);
    if (!plugin) {
        return plugin.error();
    }
    return open_plugin_backend(**plugin, dir, engine.options);
}

TemporaryDir::TemporaryDir() {
    path_ = (std::filesystem::temp_directory_path() / "quorate-test-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) {
        throw std::runtime_error("mkdtemp " + path_);
    }
}

TemporaryDir::~TemporaryDir() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
}

}  // namespace quorate::storage::testing
