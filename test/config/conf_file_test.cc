// SPDX-License-Identifier: Apache-2.0
//
// conf/quorate.conf explains every option; it must not fall behind the table.
#include "config/load.h"
#include "config/options.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

namespace quorate::config {
namespace {

// The keys of the file with what they show and say, and the whole file with all of them set.
struct Shipped {
    std::map<std::string, std::string> defaults;
    std::map<std::string, std::string> comments;  // each as one line
    std::string uncommented;
};

Shipped read_shipped() {
    std::ifstream in(QUORATE_CONF);
    Shipped shipped;
    bool in_section = false;
    std::string comment;
    for (std::string line; std::getline(in, line);) {
        in_section = in_section || line.starts_with('[');
        const size_t equals = line.find(" =");
        const bool is_key =
            line.size() > 1 && line[0] == '#' && line[1] != ' ' && equals != std::string::npos;
        if (!is_key) {
            comment = !line.starts_with("# ") ? ""
                      : comment.empty()       ? line.substr(2)
                                              : comment + " " + line.substr(2);
            shipped.uncommented += line + "\n";
            continue;
        }
        shipped.uncommented += line.substr(1) + "\n";
        if (!in_section) {
            shipped.defaults[line.substr(1, equals - 1)] =
                line.substr(std::min(equals + 3, line.size()));
            shipped.comments[line.substr(1, equals - 1)] = comment;
        }
    }
    return shipped;
}

TEST(ConfFile, HasEveryOptionWithItsDefault) {
    Shipped shipped = read_shipped();
    ASSERT_FALSE(shipped.defaults.empty()) << QUORATE_CONF;
    for (const Option& option : option_table()) {
        if (option.apply == nullptr || option.name == "max-snapshots") {
            continue;
        }
        const auto found = shipped.defaults.find(std::string(option.name));
        ASSERT_NE(found, shipped.defaults.end()) << option.name;
        if (!option.is_derived()) {
            EXPECT_EQ(found->second, option.default_text) << option.name;
        }
        shipped.defaults.erase(found);
    }
    EXPECT_TRUE(shipped.defaults.empty()) << shipped.defaults.begin()->first;
}

TEST(ConfFile, SaysOfEachOptionWhatTheHelpSays) {
    const Shipped shipped = read_shipped();
    for (const auto& [name, comment] : shipped.comments) {
        EXPECT_EQ(comment, help_of(*find_option(name))) << name;
    }
}

TEST(ConfFile, IsValidWithEverythingSet) {
    const Shipped shipped = read_shipped();
    Inputs inputs;
    inputs.arguments = {"--config-file=quorate.conf"};
    inputs.read_file = [&shipped](const std::string&) -> Result<std::string> {
        return shipped.uncommented;
    };
    const Result<Loaded> loaded = load(inputs);
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
    for (const Note& note : loaded->notes) {
        ADD_FAILURE() << "the defaults should give nothing to say: " << note.message;
    }
    EXPECT_EQ(loaded->config.plugins.storage.options.size(), 7U);
}

}  // namespace
}  // namespace quorate::config
