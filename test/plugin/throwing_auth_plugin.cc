// SPDX-License-Identifier: Apache-2.0
//
// A token provider that throws wherever it is called: what the barrier in cxx/ must keep inside.
#include "plugin/cxx/auth.h"
#include "plugin/cxx/options.h"

#include <new>
#include <stdexcept>
#include <string>

namespace {

using quorate::plugin::AuthArguments;
using quorate::plugin::OptionReader;
using quorate::plugin::Result;
using quorate::plugin::Status;
using quorate::plugin::TokenOwner;

class Provider {
  public:
    static constexpr const char* kName = "throwing";
    static constexpr const char* kVersion = "1.0";

    static Result<std::unique_ptr<Provider>> open(const AuthArguments& arguments) {
        OptionReader options(arguments.options, arguments.option_count);
        if (options.choice("create", "works", {"works", "throws"}) == "throws") {
            throw std::runtime_error("thrown by create");
        }
        if (Status s = options.finish(); !s.ok()) {
            return s;
        }
        return std::make_unique<Provider>();
    }

    bool replicated() const { return true; }
    Result<std::string> issue(std::string_view, uint64_t, uint64_t) {
        throw std::runtime_error("thrown by issue");
    }
    Result<TokenOwner> verify(std::string_view) { throw std::bad_alloc(); }
    Status install(std::string_view, std::string_view) { throw 7; }
    void forget_user(std::string_view) {}
    void forget_all() {}
    Result<std::string> hash_password(std::string_view) {
        throw std::runtime_error(std::string(1000, 'x'));
    }
    Result<bool> check_password(std::string_view, std::string_view) {
        throw std::runtime_error("thrown by check");
    }
    Status reload() { throw std::runtime_error("thrown by reload"); }
};

}  // namespace

extern "C" QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry() {
    return quorate::plugin::auth_plugin<Provider>();
}
