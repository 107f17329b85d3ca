// SPDX-License-Identifier: Apache-2.0
//
// Loader: finds, checks and initialises plugins. The checks run in one fixed order, and each
// refusal is one text that names the file, what was found and what is needed (errors::kPlugin):
//
//   name       [a-z0-9_]+, so that nothing outside plugin_dir can be named
//   file       <plugin_dir>/<kind>_<name>.so is there, and neither it nor the folder can be written
//              by everybody
//   dlopen     all symbols resolve now, not in the middle of a commit
//   entry      quorate_plugin_entry is there and gives a descriptor
//   descriptor magic, kind and name, ABI version, size
//   init       the plugin's own
//   interface  the one its kind must have; drafts (/0) only from the build this server comes from
//
// A library is never unloaded. Start-stop thread only, and one loader at a time per process: a
// plugin's services are those of the loader that initialised it last.
#pragma once

#include "base/status.h"
#include "plugin/host.h"
#include "plugin/plugin.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::plugin {

// One line of `quorate --list-plugins`.
struct Description {
    std::string file;
    std::string error;  // why it can't be used; the rest is then empty
    std::string kind;
    std::string name;
    std::string version;
    std::string abi;  // "1.0"
    std::string build_id;
};

class Loader {
  public:
    Loader(std::string plugin_dir, Host& host);
    // deinit of every plugin, last loaded first. Nothing that came from them is in use by then.
    ~Loader();
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;

    // Kind is "storage", "transport" or "auth". The same plugin asked for again is the same object.
    // Lives as long as the loader.
    Result<const Plugin*> load(std::string_view kind, std::string_view name);

    // What is in plugin_dir, sorted by file name. Runs the checks up to the descriptor; init is not
    // called. Fails when the folder can't be read.
    Result<std::vector<Description>> list() const;

  private:
    struct Loaded;

    Result<const Plugin*> initialise(const std::string& file, const quorate_plugin& descriptor);
    static Description describe(const std::string& file);

    std::string plugin_dir_;
    Host& host_;
    std::vector<std::unique_ptr<Loaded>> loaded_;
};

}  // namespace quorate::plugin
