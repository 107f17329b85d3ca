// SPDX-License-Identifier: Apache-2.0
#include "config/help.h"

#include "config/load.h"
#include "config/options.h"
#include "config/version.h"

#include <boost/program_options.hpp>

#include <sstream>

namespace quorate::config {

namespace po = boost::program_options;

namespace {

constexpr unsigned kLineWidth = 100;
constexpr unsigned kTextWidth_min = 60;

// "default" behind an option: derived ones are shown with what they are made from.
std::string shown_default(const Option& option) {
    if (option.name == "auth") {
        return "the name in auth-token";
    }
    if (option.name == "plugin-dir") {
        return "found";
    }
    if (option.name == "log-rotation-config-json") {
        return "{\"maxsize\": 100, ...}";
    }
    return std::string(option.default_text);
}

// An option as Boost asks about it. Values stay texts: the table's own functions read them.
class Semantic final : public po::value_semantic {
  public:
    explicit Semantic(const Option& option) : option_(option) {}

    // What the help prints behind the name.
    std::string name() const override {
        std::string text(option_.value_name);
        if (const std::string shown = shown_default(option_); !shown.empty()) {
            text += (text.empty() ? "(=" : " (=") + shown + ")";
        }
        return text;
    }
    unsigned min_tokens() const override { return option_.is_switch() ? 0 : 1; }
    unsigned max_tokens() const override { return 1; }
    bool is_composing() const override { return false; }
    bool is_required() const override { return false; }
    void parse(boost::any&, const std::vector<std::string>&, bool) const override {}
    bool apply_default(boost::any&) const override { return false; }
    void notify(const boost::any&) const override {}

  private:
    const Option& option_;
};

po::options_description describe_group(Group group, bool with_legacy) {
    po::options_description part(std::string(group_title(group)), kLineWidth, kTextWidth_min);
    for (const Option& option : option_table()) {
        if (option.group == group && (with_legacy || option.support != Support::kLegacy)) {
            auto* semantic = new Semantic(option);  // Boost's description owns it
            part.add_options()(std::string(option.name).c_str(), semantic, help_of(option).c_str());
        }
    }
    return part;
}

constexpr std::string_view kIntroduction =
    "Usage: quorate [options]\n"
    "\n"
    "Starts one member of a Quorate cluster, which speaks the etcd v3 interface.\n"
    "Options are etcd's. Each may be given as --name value or --name=value, as the environment\n"
    "variable ETCD_NAME or QUORATE_NAME, or as \"name = value\" in the file of --config-file;\n"
    "the command line wins over the environment, which wins over the file.\n";

}  // namespace

po::options_description describe_options() {
    po::options_description all;
    for (int group = 0; group <= static_cast<int>(Group::kProgram); ++group) {
        all.add(describe_group(static_cast<Group>(group), true));
    }
    return all;
}

std::string help_text() {
    std::ostringstream out;
    out << kIntroduction;
    for (int group = 0; group <= static_cast<int>(Group::kProgram); ++group) {
        out << '\n' << describe_group(static_cast<Group>(group), false);
    }
    return out.str();
}

std::string version_text() {
    std::string text;
    text += "etcd Version: " + std::string(kEtcdVersion) + "\n";
    text += "Git SHA: " + std::string(kGitCommit) + "\n";
    text += "Go Version: none (C++20)\n";
#if defined(__x86_64__)
    text += "Go OS/Arch: linux/amd64\n";
#elif defined(__aarch64__)
    text += "Go OS/Arch: linux/arm64\n";
#else
    text += "Go OS/Arch: linux/unknown\n";
#endif
    text += "Quorate Version: " + std::string(kQuorateVersion) + "\n";
    return text;
}

}  // namespace quorate::config
