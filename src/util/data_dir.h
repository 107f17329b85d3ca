// SPDX-License-Identifier: Apache-2.0
//
// DataDir: a member's data directory while no server runs on it. It is locked as the server locks
// it, for as long as this object lives. One thread.
#pragma once

#include "base/clock.h"
#include "base/file.h"
#include "base/metrics.h"
#include "base/status.h"
#include "config/config.h"
#include "node/bootstrap.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "storage/backend.h"
#include "util/command.h"

#include <memory>
#include <string>
#include <string_view>

namespace quorate::util {

// What says where a data directory is; the names and meanings are the server's.
extern const std::span<const OptionSpec> kDataOptions;
// --write-out and --help.
extern const std::span<const OptionSpec> kCommonOptions;

// Those of the given options that are the server's, read and checked as the server does, with its
// configuration file if one is named. The environment is not looked at. Warnings go to standard
// error.
Result<config::Config> load_config(const Invocation& invocation);

// Storage engines by name, from the plugin folder.
class Engines {
  public:
    explicit Engines(const config::Config& config);

    // Creates the directory when it is missing. The options are those of the configuration if it
    // chooses this engine. Engines outlives the backend.
    Result<std::unique_ptr<storage::Backend>> open(std::string_view name, const std::string& dir);

  private:
    const config::PluginChoice chosen_;
    SystemClock clock_;
    metrics::Registry metrics_;
    plugin::Host host_;
    plugin::Loader loader_;
};

class DataDir {
  public:
    // errors::kUsage without --data-dir or --config-file; errors::kConfig when there is no such
    // directory or a server runs on it. Without --storage and --config-file the engine is the one
    // that wrote the directory.
    static Result<std::unique_ptr<DataDir>> open(const Invocation& invocation);

    FileSystem& fs() { return *fs_; }
    const config::Config& config() const { return config_; }
    const node::DataPaths& paths() const { return paths_; }
    const std::string& engine_name() const { return config_.plugins.storage.name; }
    Engines& engines() { return engines_; }

    // Never creates one.
    Result<std::unique_ptr<storage::Backend>> open_engine();
    // errors::kDamaged when there is none.
    Result<node::Identity> identity();

  private:
    DataDir(std::unique_ptr<FileSystem> fs, config::Config config);

    const std::unique_ptr<FileSystem> fs_;
    const config::Config config_;
    const node::DataPaths paths_;
    Engines engines_;
    std::unique_ptr<File> lock_;
};

}  // namespace quorate::util
