// SPDX-License-Identifier: Apache-2.0
#include "plugin/loader.h"

#include "base/errors.h"
#include "base/log.h"
#include "plugin/abi/auth.h"
#include "plugin/abi/storage.h"
#include "plugin/abi/transport.h"
#include "plugin/descriptor_check.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace quorate::plugin {

namespace {

// The interface that a plugin of each kind must have, and the size of its table's first version.
struct KindRule {
    std::string_view kind;
    const char* interface_id;
    size_t table_bytes_min;
};
constexpr std::array kKinds = {
    KindRule{"storage", QUORATE_STORAGE_INTERFACE, sizeof(quorate_storage_interface)},
    KindRule{"transport", QUORATE_TRANSPORT_INTERFACE,
             offsetof(quorate_transport_interface, reload)},
    KindRule{"auth", QUORATE_AUTH_INTERFACE, sizeof(quorate_auth_interface)},
};

Status refuse(std::string text) {
    return {errors::kPlugin, std::move(text)};
}

const KindRule* find_kind(std::string_view kind) {
    const auto* rule = std::find_if(kKinds.begin(), kKinds.end(),
                                    [&](const KindRule& r) { return r.kind == kind; });
    return rule == kKinds.end() ? nullptr : rule;
}

// File names of the plugins in `dir`, sorted.
Result<std::vector<std::string>> plugin_files(const std::string& dir) {
    std::error_code error;
    std::filesystem::directory_iterator entry(dir, error);
    std::vector<std::string> names;
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        if (entry->path().extension() == ".so") {
            names.push_back(entry->path().filename());
        }
    }
    if (error) {
        return refuse("plugin directory " + dir + ": " + error.message());
    }
    std::sort(names.begin(), names.end());
    return names;
}

// A plugin runs with all the rights of this process, so what everybody may write must not become
// one: refused. What a group may write, or somebody who is neither root nor this user owns, can be
// meant that way (a developer's build folder): a warning.
Status check_permissions(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        return refuse(path + ": " + std::error_code(errno, std::generic_category()).message());
    }
    const bool sticky_dir = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
    if ((info.st_mode & S_IWOTH) != 0 && !sticky_dir) {
        return refuse(path + ": can be written by everybody, so anybody could put code into this " +
                      "server; run chmod o-w on it");
    }
    const bool foreign = info.st_uid != 0 && info.st_uid != ::geteuid();
    if (foreign || (info.st_mode & S_IWGRP) != 0) {
        log::warn("plugin can be changed by other users",
                  {{"path", path}, {"owner", static_cast<uint64_t>(info.st_uid)}});
    }
    return {};
}

// The plugins of `kind` that are there, for the text of a refusal.
std::string others_of_kind(const std::string& dir, std::string_view kind) {
    std::string text;
    const Result<std::vector<std::string>> files = plugin_files(dir);
    if (files) {
        const std::string prefix = std::string(kind) + '_';
        for (const std::string& file : *files) {
            if (file.starts_with(prefix)) {
                const size_t length = file.size() - prefix.size() - 3;
                text += (text.empty() ? "" : ", ") + file.substr(prefix.size(), length);
            }
        }
    }
    return text.empty() ? "none" : text;
}

// A library that was cut short, by a copy that met a full disk for one, would end the process: the
// dynamic linker maps what the headers promise and touches what is not there. Whatever else is
// wrong with a file it tells by itself.
Status check_whole(const std::string& file) {
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    const auto bytes = static_cast<uint64_t>(in.tellg());
    ElfW(Ehdr) header{};
    in.seekg(0).read(reinterpret_cast<char*>(&header), sizeof header);
    if (!in || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return {};
    }
    uint64_t end = header.e_shoff + uint64_t{header.e_shnum} * header.e_shentsize;
    in.seekg(static_cast<std::streamoff>(header.e_phoff));
    for (size_t i = 0; i < header.e_phnum; ++i) {
        ElfW(Phdr) segment{};
        if (in.read(reinterpret_cast<char*>(&segment), sizeof segment)) {
            end = std::max<uint64_t>(end, segment.p_offset + segment.p_filesz);
        }
    }
    return end <= bytes
               ? Status()
               : refuse(file + ": can't be loaded: it is cut short, with " + std::to_string(bytes) +
                        " bytes of " + std::to_string(end) + "; install it again");
}

// dlopen and the entry function.
Result<const quorate_plugin*> open_library(const std::string& file) {
    if (Status s = check_whole(file); !s.ok()) {
        return s;
    }
    void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
        const char* const error = ::dlerror();
        std::string reason = error == nullptr ? "unknown reason" : error;
        if (reason.starts_with(file + ": ")) {
            reason.erase(0, file.size() + 2);
        }
        return refuse(file + ": can't be loaded: " + reason);
    }
    void* symbol = ::dlsym(library, QUORATE_PLUGIN_ENTRY_NAME);
    if (symbol == nullptr) {
        return refuse(file + ": not a plugin of Quorate: it has no function " +
                      QUORATE_PLUGIN_ENTRY_NAME);
    }
    const auto entry = reinterpret_cast<quorate_plugin_entry_fn>(symbol);
    const quorate_plugin* descriptor = entry();
    if (descriptor == nullptr) {
        return refuse(file + ": " + QUORATE_PLUGIN_ENTRY_NAME + " gave no descriptor");
    }
    return descriptor;
}

Status check_names(const std::string& dir, std::string_view kind, std::string_view name) {
    if (find_kind(kind) == nullptr) {
        return refuse("no such kind of plugin: \"" + std::string(kind) + '"');
    }
    if (!is_plugin_name(name)) {
        return refuse("plugin name \"" + std::string(name) +
                      "\": needs one or more of a-z, 0-9 and _");
    }
    if (dir.empty()) {
        return refuse("plugin " + std::string(kind) + '_' + std::string(name) +
                      ": no plugin directory is set");
    }
    return {};
}

}  // namespace

struct Loader::Loaded {
    Loaded(Host& host, const std::string& file, const quorate_plugin& descriptor)
        : services(host, std::string(descriptor.kind) + '_' + descriptor.name),
          plugin(file, descriptor) {}

    Host::Table services;
    Plugin plugin;
};

Loader::Loader(std::string plugin_dir, Host& host)
    : plugin_dir_(std::move(plugin_dir)), host_(host) {}

Loader::~Loader() {
    while (!loaded_.empty()) {
        loaded_.back()->plugin.descriptor().deinit();
        loaded_.pop_back();
    }
}

Result<const Plugin*> Loader::load(std::string_view kind, std::string_view name) {
    for (const auto& loaded : loaded_) {
        if (loaded->plugin.kind() == kind && loaded->plugin.name() == name) {
            return &loaded->plugin;
        }
    }
    if (Status s = check_names(plugin_dir_, kind, name); !s.ok()) {
        return s;
    }
    const std::string file =
        plugin_dir_ + '/' + std::string(kind) + '_' + std::string(name) + ".so";
    if (::access(file.c_str(), F_OK) != 0) {
        return refuse(file + ": no such plugin; " + std::string(kind) +
                      " plugins there: " + others_of_kind(plugin_dir_, kind));
    }
    for (const std::string& path : {plugin_dir_, file}) {
        if (Status s = check_permissions(path); !s.ok()) {
            return s;
        }
    }
    const Result<const quorate_plugin*> opened = open_library(file);
    if (!opened) {
        return opened.error();
    }
    const quorate_plugin& descriptor = **opened;
    if (Status s = check_descriptor(file, descriptor, kind, name); !s.ok()) {
        return s;
    }
    return initialise(file, descriptor);
}

Result<const Plugin*> Loader::initialise(const std::string& file,
                                         const quorate_plugin& descriptor) {
    auto loaded = std::make_unique<Loaded>(host_, file, descriptor);
    quorate_error error = empty_error();
    if (descriptor.init(&loaded->services.abi(), &error) != QUORATE_OK) {
        error.text[sizeof error.text - 1] = '\0';
        return refuse(file + ": could not initialise: " + error.text);
    }
    const KindRule& rule = *find_kind(descriptor.kind);
    const Result<const void*> table =
        loaded->plugin.find_table(rule.interface_id, rule.table_bytes_min);
    if (!table) {
        descriptor.deinit();
        return refuse(table.error().message());
    }
    log::info("loaded plugin",
              {{"file", file}, {"version", descriptor.version}, {"abi", abi_text(descriptor)}});
    loaded_.push_back(std::move(loaded));
    return &loaded_.back()->plugin;
}

Description Loader::describe(const std::string& file) {
    Description description;
    description.file = file;
    for (const std::string& path : {std::filesystem::path(file).parent_path().string(), file}) {
        if (Status s = check_permissions(path); !s.ok()) {
            description.error = s.message();
            return description;
        }
    }
    const Result<const quorate_plugin*> opened = open_library(file);
    if (!opened) {
        description.error = opened.error().message();
        return description;
    }
    // <kind>_<name>.so; a kind has no underscore.
    const std::string stem = std::filesystem::path(file).stem();
    const size_t underscore = std::min(stem.find('_'), stem.size());
    const std::string kind = stem.substr(0, underscore);
    const std::string name = stem.substr(std::min(underscore + 1, stem.size()));
    const quorate_plugin& d = **opened;
    if (Status s = check_descriptor(file, d, kind, name); !s.ok()) {
        description.error = s.message();
        return description;
    }
    description.kind = d.kind;
    description.name = d.name;
    description.version = d.version;
    description.abi = abi_text(d);
    description.build_id = d.build_id;
    return description;
}

Result<std::vector<Description>> Loader::list() const {
    const Result<std::vector<std::string>> files = plugin_files(plugin_dir_);
    if (!files) {
        return files.error();
    }
    std::vector<Description> list;
    for (const std::string& name : *files) {
        list.push_back(describe(plugin_dir_ + '/' + name));
    }
    return list;
}

}  // namespace quorate::plugin
