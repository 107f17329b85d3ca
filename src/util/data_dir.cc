// SPDX-License-Identifier: Apache-2.0
#include "util/data_dir.h"

#include "base/errors.h"
#include "config/load.h"
#include "storage/engine_file.h"
#include "storage/open_engine.h"
#include "wal/segment.h"

#include <cstdio>
#include <utility>
#include <vector>

namespace quorate::util {
namespace {

constexpr OptionSpec kDataSpecs[] = {
    {"data-dir", "DIR", "folder that holds all data of the member"},
    {"wal-dir", "DIR", "folder of the write-ahead log, when it lies elsewhere"},
    {"storage", "ENGINE", "storage engine; by default the one that wrote the folder"},
    {"plugin-dir", "DIR", "folder of the plugins"},
    {"config-file", "FILE", "the server's configuration file, for all of these"},
};
constexpr OptionSpec kCommonSpecs[] = {
    {"write-out", "FORMAT", "simple, json, table or fields (default simple)", 'w'},
    {"help", "", "this text", 'h'},
};
// What load_config() hands on.
constexpr std::string_view kServerOptions[] = {"data-dir",
                                               "wal-dir",
                                               "storage",
                                               "plugin-dir",
                                               "config-file",
                                               "name",
                                               "initial-cluster",
                                               "initial-cluster-token",
                                               "initial-advertise-peer-urls"};

// The engine that wrote `member_dir`, or why that can't be told.
Result<std::string> find_engine(FileSystem& fs, const std::string& member_dir) {
    const auto found = storage::engines_in(fs, member_dir);
    if (!found) {
        return found.error();
    }
    const std::vector<std::string>& engines = *found;
    if (engines.empty()) {
        return Status(errors::kConfig, "no storage engine has written in " + member_dir +
                                           ": it is no member's folder, or one with the engine "
                                           "mem, which keeps nothing on the disk");
    }
    if (engines.size() > 1) {
        return Status(errors::kConfig, member_dir + " holds data of the storage engines " +
                                           engines[0] + " and " + engines[1] +
                                           ": choose one with --storage");
    }
    return engines[0];
}

}  // namespace

const std::span<const OptionSpec> kDataOptions = kDataSpecs;
const std::span<const OptionSpec> kCommonOptions = kCommonSpecs;

Result<config::Config> load_config(const Invocation& invocation) {
    config::Inputs inputs;
    inputs.executable_dir = invocation.executable_dir;
    for (const std::string_view name : kServerOptions) {
        if (invocation.given(name)) {
            inputs.arguments.push_back("--" + std::string(name) + "=" +
                                       std::string(invocation.text(name)));
        }
    }
    auto loaded = config::load(inputs);
    if (!loaded) {
        return loaded.error();
    }
    return std::move(loaded->config);
}

Engines::Engines(const config::Config& config)
    : chosen_(config.plugins.storage),
      host_(metrics_, clock_),
      loader_(config.plugins.dir, host_) {}

Result<std::unique_ptr<storage::Backend>> Engines::open(std::string_view name,
                                                        const std::string& dir) {
    if (name == storage::kMemoryEngine) {
        return Status(errors::kConfig,
                      "the engine mem keeps nothing on the disk; choose another with --storage");
    }
    storage::EngineChoice choice{.name = std::string(name)};
    if (name == chosen_.name) {
        choice.options = chosen_.options;
    }
    return storage::open_engine(loader_, choice, dir);
}

DataDir::DataDir(std::unique_ptr<FileSystem> fs, config::Config config)
    : fs_(std::move(fs)),
      config_(std::move(config)),
      paths_(node::data_paths(config_)),
      engines_(config_) {}

Result<std::unique_ptr<DataDir>> DataDir::open(const Invocation& invocation) {
    if (!invocation.given("data-dir") && !invocation.given("config-file")) {
        return Status(errors::kUsage, "which data? give --data-dir or --config-file");
    }
    auto config = load_config(invocation);
    if (!config) {
        return config.error();
    }
    auto fs = make_posix_file_system();
    const std::string member_dir = config->member.data_dir + "/member";
    const auto exists = fs->exists(member_dir);
    if (!exists) {
        return exists.error();
    }
    if (!*exists) {
        return Status(errors::kConfig,
                      "there is no " + member_dir + ": no member has run on this --data-dir");
    }
    if (!invocation.given("storage") && !invocation.given("config-file")) {
        auto engine = find_engine(*fs, member_dir);
        if (!engine) {
            return engine.error();
        }
        config->plugins.storage = {*std::move(engine), {}};
    }
    std::unique_ptr<DataDir> data(new DataDir(std::move(fs), std::move(*config)));
    const auto log_exists = data->fs_->exists(data->paths_.wal_dir);
    if (!log_exists) {
        return log_exists.error();
    }
    if (*log_exists) {
        auto lock = data->fs_->lock(data->paths_.wal_dir + "/" + std::string(wal::kLockName));
        if (!lock) {
            return Status(errors::kConfig, "a server runs on " + data->paths_.data_dir +
                                               "; stop it first (" + lock.error().message() + ")");
        }
        data->lock_ = std::move(*lock);
    }
    return data;
}

Result<std::unique_ptr<storage::Backend>> DataDir::open_engine() {
    const auto exists = fs_->exists(paths_.engine_dir + "/ENGINE");
    if (!exists) {
        return exists.error();
    }
    if (!*exists && engine_name() != storage::kMemoryEngine) {
        return Status(errors::kConfig, "there is no " + paths_.engine_dir +
                                           "/ENGINE: the storage engine " + engine_name() +
                                           " has written nothing in " + paths_.data_dir);
    }
    return engines_.open(engine_name(), paths_.engine_dir);
}

Result<node::Identity> DataDir::identity() {
    auto identity = node::load_identity(*fs_, paths_.identity_file, config_);
    if (!identity) {
        return identity.error();
    }
    if (!identity->has_value()) {
        return Status(errors::kDamaged, "there is no " + paths_.identity_file);
    }
    return std::move(**identity);
}

}  // namespace quorate::util
