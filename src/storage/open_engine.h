// SPDX-License-Identifier: Apache-2.0
//
// A storage engine by its name: the built-in `mem`, or a plugin. Start-stop thread.
#pragma once

#include "plugin/loader.h"
#include "storage/backend.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::storage {

inline constexpr std::string_view kMemoryEngine = "mem";

struct EngineChoice {
    std::string name;
    std::vector<std::pair<std::string, std::string>> options;
};

// `loader` outlives the backend. errors::kConfig for options that `mem` has not, and what loading
// the plugin and opening `dir` with it say.
Result<std::unique_ptr<Backend>> open_engine(plugin::Loader& loader, const EngineChoice& choice,
                                             const std::string& dir);

// Whether the plugin is there and takes these options: opens a store in a folder that is gone
// afterwards.
Status try_engine(plugin::Loader& loader, const EngineChoice& choice);

}  // namespace quorate::storage
