// SPDX-License-Identifier: Apache-2.0
//
// An engine that throws wherever it is called: what the barrier in cxx/ must keep inside.
#include "plugin/cxx/options.h"
#include "plugin/cxx/storage.h"

#include <new>
#include <stdexcept>
#include <string>

namespace {

using quorate::plugin::Batch;
using quorate::plugin::OpenArguments;
using quorate::plugin::OptionReader;
using quorate::plugin::Pair;
using quorate::plugin::Result;
using quorate::plugin::Scan;
using quorate::plugin::Sink;
using quorate::plugin::Stats;
using quorate::plugin::Status;

struct Anonymous {};

class Engine {
  public:
    static constexpr const char* kName = "throwing";
    static constexpr const char* kVersion = "1.0";

    class Cursor {
      public:
        Result<bool> next(Pair&) { throw std::runtime_error("thrown by next"); }
    };
    class View {
      public:
        Result<bool> get(std::string_view, Sink) { throw std::bad_alloc(); }
        Result<std::unique_ptr<Cursor>> scan(const Scan& scan) {
            if (scan.reverse) {
                throw std::runtime_error("thrown by scan");
            }
            return std::make_unique<Cursor>();
        }
    };

    static Result<std::unique_ptr<Engine>> open(const OpenArguments& arguments) {
        OptionReader options(arguments.options, arguments.option_count);
        const std::string what = options.choice("create", "works", {"works", "throws"});
        if (Status s = options.finish(); !s.ok()) {
            return s;
        }
        if (what == "throws") {
            throw std::runtime_error("thrown by create");
        }
        return std::make_unique<Engine>();
    }
    Result<std::unique_ptr<View>> view() { return std::make_unique<View>(); }
    Status write(Batch, bool) { throw Anonymous(); }
    Status sync() { throw std::runtime_error(std::string(1000, 'x')); }
    Result<Stats> stats() { return Stats{2, 1}; }
};

}  // namespace

extern "C" QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry() {
    return quorate::plugin::storage_plugin<Engine>();
}
