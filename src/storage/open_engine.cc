// SPDX-License-Identifier: Apache-2.0
#include "storage/open_engine.h"

#include "base/errors.h"
#include "storage/mem_backend.h"
#include "storage/plugin_backend.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace quorate::storage {

Result<std::unique_ptr<Backend>> open_engine(plugin::Loader& loader, const EngineChoice& choice,
                                             const std::string& dir) {
    if (choice.name == kMemoryEngine) {
        if (!choice.options.empty()) {
            return Status(errors::kConfig, "storage.mem." + choice.options.front().first +
                                               ": the engine mem has no options");
        }
        return std::unique_ptr<Backend>(std::make_unique<MemBackend>());
    }
    const auto loaded = loader.load("storage", choice.name);
    if (!loaded) {
        return loaded.error();
    }
    return open_plugin_backend(**loaded, dir, choice.options);
}

Status try_engine(plugin::Loader& loader, const EngineChoice& choice) {
    std::error_code error;
    std::string dir =
        (std::filesystem::temp_directory_path(error) / "quorate-check-XXXXXX").string();
    if (error || mkdtemp(dir.data()) == nullptr) {
        return {errors::kIo, "no folder can be made to try the storage engine in: " +
                                 (error ? error.message() : std::string(std::strerror(errno)))};
    }
    Status tried;
    if (const auto engine = open_engine(loader, choice, dir + "/store"); !engine) {
        tried = engine.error();
    }
    std::filesystem::remove_all(dir, error);
    return tried;
}

}  // namespace quorate::storage
