// SPDX-License-Identifier: Apache-2.0
#include "surface.h"

#include "config/feature_gates.h"
#include "config/options.h"
#include "rpc/json_routes.h"

#include <cstdio>
#include <string>

namespace quorate {
namespace {

const char* support_word(config::Support support) {
    switch (support) {
        case config::Support::kFull:
            return "full";
        case config::Support::kNoEffect:
            return "no effect";
        case config::Support::kRefused:
            return "refused";
        case config::Support::kLegacy:
            return "ignored";
    }
    return "";
}

void print_line(const char* kind, const std::string& a, const std::string& b, const std::string& c,
                const std::string& d) {
    std::printf("%s\t%s\t%s\t%s\t%s\n", kind, a.c_str(), b.c_str(), c.c_str(), d.c_str());
}

}  // namespace

void print_surface() {
    for (const config::Option& option : config::option_table()) {
        const std::string owner =
            option.ours ? "ours" : std::string(config::group_title(option.group));
        print_line("option", std::string(option.name), owner, support_word(option.support),
                   std::string(option.note));
    }
    for (const config::FeatureInfo& gate : config::feature_table()) {
        print_line("gate", std::string(gate.name), gate.enabled_by_default ? "on" : "off",
                   gate.no_effect.empty() ? "full" : "no effect", std::string(gate.no_effect));
    }
    for (const rpc::JsonRoute& route : rpc::kJsonRoutes) {
        print_line("route", std::string(route.path), std::string(route.service),
                   std::string(route.method), "");
    }
}

}  // namespace quorate
