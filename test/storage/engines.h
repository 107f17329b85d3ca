// SPDX-License-Identifier: Apache-2.0
//
// The storage engines that a test program was told to test, and how to open them.
#pragma once

#include "base/status.h"
#include "plugin/plugin.h"
#include "storage/backend.h"

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::storage::testing {

struct EngineUnderTest {
    std::string name;
    std::string plugin_file;  // <dir>/storage_<name>.so; empty: the built-in mem
    plugin::Options options;

    // Keeps what was written when it is closed.
    bool persistent() const { return !plugin_file.empty(); }
};

inline void PrintTo(const EngineUnderTest& engine, std::ostream* out) {
    *out << engine.name;
}

// "/path/storage_<name>.so", or "mem".
EngineUnderTest engine_by_file(const std::string& file);

// "key=value", as a command line gives an option; false when it is none.
bool add_option(EngineUnderTest& engine, std::string_view text);

// The engine as arguments of a child, and back again: its file, then an option each.
std::vector<std::string> engine_arguments(const EngineUnderTest& engine);
EngineUnderTest engine_from_arguments(int argc, char** argv);

// A fresh store, or the one that is in `dir`.
Result<std::unique_ptr<Backend>> open_engine(const EngineUnderTest& engine, const std::string& dir);

// A folder of its own below the system's temporary one, removed with everything in it.
class TemporaryDir {
  public:
    TemporaryDir();
    ~TemporaryDir();
    TemporaryDir(const TemporaryDir&) = delete;
    TemporaryDir& operator=(const TemporaryDir&) = delete;

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace quorate::storage::testing
