// SPDX-License-Identifier: Apache-2.0
#include "ctl/choose.h"
#include "ctl/commands.h"
#include "ctl/endpoint.h"
#include "ctl/flags.h"
#include "ctl/help.h"
#include "ctl/options.h"
#include "ctl/watch_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace quorate::ctl {
namespace {

using Words = std::vector<std::string>;

constexpr FlagSpec kSpecs[] = {
    {"name", FlagKind::kText, "none", "a text", 'n'},
    {"limit", FlagKind::kInt, "7", "a number"},
    {"count", FlagKind::kCount, "0", "a number of 0 or more"},
    {"wait", FlagKind::kDuration, "2s", "a time"},
    {"quick", FlagKind::kSwitch, "false", "a switch", 'q'},
    {"slow", FlagKind::kSwitch, "true", "a switch that is on", 's'},
};

Result<ParsedLine> parse(const Words& words) {
    return parse_line(words, {kSpecs});
}

TEST(Flags, TakesEveryFormOfAValue) {
    for (const Words& words : std::vector<Words>{{"--name", "x"},
                                                 {"--name=x"},
                                                 {"-n", "x"},
                                                 {"-nx"},
                                                 {"-n=x"},
                                                 {"-qn", "x"},
                                                 {"-qnx"}}) {
        const auto line = parse(words);
        ASSERT_TRUE(line) << words[0];
        EXPECT_EQ(line->flags.text("name"), "x") << words[0];
        EXPECT_TRUE(line->operands.empty()) << words[0];
    }
}

TEST(Flags, FallsBack) {
    const auto line = parse({});
    ASSERT_TRUE(line);
    EXPECT_FALSE(line->flags.given("name"));
    EXPECT_EQ(line->flags.text("name"), "none");
    EXPECT_EQ(line->flags.number("limit"), 7);
    EXPECT_EQ(line->flags.duration_ns("wait"), 2'000'000'000);
    EXPECT_FALSE(line->flags.on("quick"));
    EXPECT_TRUE(line->flags.on("slow"));
}

TEST(Flags, MixWithOperandsUpToTheDashes) {
    const auto line = parse({"a", "--quick", "-", "b", "--", "--name", "c"});
    ASSERT_TRUE(line);
    EXPECT_EQ(line->operands, (Words{"a", "-", "b", "--name", "c"}));
    EXPECT_EQ(line->before_dashes, 3U);
    EXPECT_TRUE(line->flags.on("quick"));
    EXPECT_FALSE(line->flags.given("name"));
}

TEST(Flags, SwitchesTakeGoSpellings) {
    EXPECT_FALSE(parse({"--slow=F"})->flags.on("slow"));
    EXPECT_FALSE(parse({"-s=0"})->flags.on("slow"));
    EXPECT_TRUE(parse({"--quick=True"})->flags.on("quick"));
}

TEST(Flags, RefusesWhatDoesNotFit) {
    EXPECT_EQ(parse({"--nothing"}).error().message(), "unknown flag: --nothing");
    EXPECT_EQ(parse({"-x"}).error().message(), "unknown shorthand flag: 'x' in -x");
    EXPECT_EQ(parse({"--name"}).error().message(), "flag needs an argument: --name");
    EXPECT_EQ(parse({"--limit=ten"}).error().message(),
              "invalid argument \"ten\" for \"--limit\" flag: must be an integer");
    EXPECT_FALSE(parse({"--count=-1"}));
    EXPECT_FALSE(parse({"--wait=5"}));
    EXPECT_FALSE(parse({"--wait=-5s"}));
    EXPECT_FALSE(parse({"--quick=maybe"}));
}

TEST(Choose, FindsCommandsWhereverFlagsStand) {
    for (const Words& words : std::vector<Words>{{"lease", "grant", "10"},
                                                 {"--endpoints", "lease", "lease", "grant", "10"},
                                                 {"-w", "json", "lease", "--hex", "grant", "10"},
                                                 {"le", "gr", "10"}}) {
        const auto chosen = choose_command(words, "quoratectl");
        ASSERT_TRUE(chosen) << words[0];
        ASSERT_NE(chosen->command, nullptr) << words[0];
        EXPECT_EQ(chosen->command->name, "lease grant");
        EXPECT_EQ(chosen->arguments.back(), "10");
    }
}

TEST(Choose, TakesExactNamesBeforeLongerOnes) {
    const auto chosen = choose_command({"auth", "enable"}, "quoratectl");
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->command->name, "auth enable");
    EXPECT_EQ(choose_command({"compact", "5"}, "quoratectl")->command->name, "compaction");
}

TEST(Choose, RefusesUnknownAndAmbiguousWords) {
    EXPECT_FALSE(choose_command({"frobnicate"}, "quoratectl"));
    EXPECT_FALSE(choose_command({"e", "list"}, "quoratectl"));  // elect, endpoint
    EXPECT_FALSE(choose_command({"lease", "steal"}, "quoratectl"));
}

TEST(Choose, LeavesAGroupAloneToTheHelp) {
    const auto chosen = choose_command({"member"}, "quoratectl");
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->command, nullptr);
    EXPECT_EQ(chosen->group, "member");
}

TEST(Commands, HaveEveryCommandOfEtcdctl) {
    const std::set<std::string> wanted = {"get",
                                          "put",
                                          "del",
                                          "txn",
                                          "compaction",
                                          "watch",
                                          "lease grant",
                                          "lease revoke",
                                          "lease timetolive",
                                          "lease list",
                                          "lease keep-alive",
                                          "member add",
                                          "member remove",
                                          "member update",
                                          "member list",
                                          "member promote",
                                          "endpoint health",
                                          "endpoint status",
                                          "endpoint hashkv",
                                          "alarm list",
                                          "alarm disarm",
                                          "defrag",
                                          "snapshot save",
                                          "move-leader",
                                          "downgrade validate",
                                          "downgrade enable",
                                          "downgrade cancel",
                                          "lock",
                                          "elect",
                                          "auth enable",
                                          "auth disable",
                                          "auth status",
                                          "user add",
                                          "user delete",
                                          "user get",
                                          "user list",
                                          "user passwd",
                                          "user grant-role",
                                          "user revoke-role",
                                          "role add",
                                          "role delete",
                                          "role get",
                                          "role list",
                                          "role grant-permission",
                                          "role revoke-permission",
                                          "make-mirror",
                                          "check perf",
                                          "check datascale",
                                          "version",
                                          "completion",
                                          "options",
                                          "help"};
    std::set<std::string> have;
    for (const Command* command : all_commands()) {
        EXPECT_TRUE(have.insert(std::string(command->name)).second) << command->name;
    }
    EXPECT_EQ(have, wanted);
}

TEST(Commands, HideNoGlobalFlag) {
    for (const Command* command : all_commands()) {
        for (const FlagSpec& spec : command->flags) {
            EXPECT_EQ(find_flag({kGlobalFlags}, spec.name), nullptr)
                << command->name << " --" << spec.name;
        }
    }
}

TEST(Commands, HaveAHelpWithEveryFlag) {
    for (const Command* command : all_commands()) {
        const std::string text = help_of(*command, "quoratectl");
        EXPECT_NE(text.find("quoratectl " + std::string(command->name)), std::string::npos);
        for (const FlagSpec& spec : command->flags) {
            EXPECT_NE(text.find("--" + std::string(spec.name)), std::string::npos) << text;
        }
        const size_t blank = command->name.find(' ');
        if (blank != std::string_view::npos) {
            EXPECT_FALSE(group_summary(command->name.substr(0, blank)).empty()) << command->name;
        }
    }
}

TEST(Completion, KnowsEveryCommandAndFlag) {
    for (const char* shell : {"bash", "zsh", "fish", "powershell"}) {
        const auto script = completion_script(shell, "quoratectl");
        ASSERT_TRUE(script) << shell;
        for (const Command* command : all_commands()) {
            const std::string name(command->name);
            EXPECT_NE(script->find(name.substr(name.rfind(' ') + 1)), std::string::npos) << name;
            for (const FlagSpec& spec : command->flags) {
                EXPECT_NE(script->find(std::string(spec.name)), std::string::npos) << spec.name;
            }
        }
    }
    EXPECT_FALSE(completion_script("tcsh", "quoratectl"));
}

// There is no PowerShell to ask in Debian.
TEST(Completion, IsInTheFormOfPowerShell) {
    const auto script = completion_script("powershell", "quoratectl");
    ASSERT_TRUE(script);
    EXPECT_NE(script->find("-CommandName 'quoratectl', 'quorate' -ScriptBlock {\n"),
              std::string::npos);
    EXPECT_NE(script->find("\n        'lease' = 'grant keep-alive list revoke timetolive'\n"),
              std::string::npos);
    EXPECT_NE(script->find("\n        '--write-out' = '"), std::string::npos);
    std::set<std::string> keys;
    int depth = 0;
    std::istringstream lines(*script);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_EQ(std::count(line.begin(), line.end(), '\'') % 2, 0) << line;
        depth += static_cast<int>(std::count(line.begin(), line.end(), '{'));
        depth -= static_cast<int>(std::count(line.begin(), line.end(), '}'));
        // Keys that differ in case alone are the same to it, and an error.
        if (line.starts_with("        '")) {
            std::string key = line.substr(0, line.find(" = "));
            std::transform(key.begin(), key.end(), key.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            EXPECT_TRUE(keys.insert(key).second) << line;
        }
    }
    EXPECT_EQ(depth, 0);
    EXPECT_GE(keys.size(), all_commands().size());
    const auto as_etcdctl = completion_script("powershell", "etcdctl");
    EXPECT_NE(as_etcdctl->find("-CommandName 'etcdctl' -ScriptBlock"), std::string::npos);
}

TEST(Options, ComeFromTheEnvironmentUnlessGiven) {
    setenv("ETCDCTL_ENDPOINTS", "a:1", 1);
    setenv("ETCDCTL_USER", "theirs", 1);
    setenv("QUORATECTL_USER", "ours", 1);
    auto line = parse_line(Words{"--endpoints=b:2"}, {kGlobalFlags});
    ASSERT_TRUE(line);
    ASSERT_TRUE(take_environment(line->flags, {kGlobalFlags}).ok());
    EXPECT_EQ(line->flags.text("endpoints"), "b:2");
    EXPECT_EQ(line->flags.text("user"), "ours");
    setenv("ETCDCTL_DIAL_TIMEOUT", "soon", 1);
    const Status s = take_environment(line->flags, {kGlobalFlags});
    EXPECT_NE(s.message().find("ETCDCTL_DIAL_TIMEOUT"), std::string::npos) << s.message();
    for (const char* name :
         {"ETCDCTL_ENDPOINTS", "ETCDCTL_USER", "QUORATECTL_USER", "ETCDCTL_DIAL_TIMEOUT"}) {
        unsetenv(name);
    }
}

Result<ClientOptions> options_of(const Words& words) {
    const auto line = parse_line(words, {kGlobalFlags});
    return line ? client_options(line->flags) : Result<ClientOptions>(line.error());
}

TEST(Options, SayHowToConnect) {
    const auto options =
        options_of({"--endpoints", "a:1, https://b:2", "--user=root:se:cret", "--dial-timeout=3s"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->endpoints, (Words{"a:1", "https://b:2"}));
    EXPECT_EQ(options->user, "root");
    EXPECT_EQ(options->password, "se:cret");
    EXPECT_EQ(options->dial_timeout_ns, 3 * kSecond_ns);
    EXPECT_FALSE(options->tls);
    EXPECT_TRUE(options_of({"--cacert=ca.pem"})->tls);
    EXPECT_TRUE(options_of({"--insecure-transport=false"})->tls);
    EXPECT_FALSE(options_of({"--cert=c.pem"}));
    EXPECT_FALSE(options_of({"--cacert="}));
    // A token stands for itself.
    EXPECT_EQ(options_of({"--auth-jwt-token=t", "--user=root"})->user, "");
}

TEST(Endpoint, TakesAddressesAndUrls) {
    EXPECT_EQ(Endpoint::parse("127.0.0.1:2379")->tls, EndpointTls::kIfConfigured);
    EXPECT_EQ(Endpoint::parse("http://h:1")->tls, EndpointTls::kNever);
    EXPECT_EQ(Endpoint::parse("https://h:1")->tls, EndpointTls::kAlways);
    EXPECT_EQ(Endpoint::parse("[::1]:2379")->url.host, "::1");
    EXPECT_EQ(Endpoint::parse("localhost:2379")->url.host, "localhost");
    for (const char* bad : {"", "host", "http://host", "ftp://host:1", "host:port"}) {
        const auto endpoint = Endpoint::parse(bad);
        ASSERT_FALSE(endpoint) << bad;
        EXPECT_NE(endpoint.error().message().find("bad endpoint"), std::string::npos);
    }
}

Result<WatchLine> watch(const Words& words, const WatchDefaults& defaults = {}) {
    const auto line = parse_line(words, {kWatchFlags});
    return line ? watch_line(*line, defaults) : Result<WatchLine>(line.error());
}

TEST(WatchLine, ReadsKeysAndCommand) {
    const auto both = watch({"--rev=5", "a", "b", "--", "sh", "-c", "x"});
    ASSERT_TRUE(both);
    EXPECT_EQ(both->create.key(), "a");
    EXPECT_EQ(both->create.range_end(), "b");
    EXPECT_EQ(both->create.start_revision(), 5);
    EXPECT_EQ(both->command, (Words{"sh", "-c", "x"}));
    EXPECT_EQ(watch({"a", "--prefix"})->create.range_end(), "b");
    EXPECT_EQ(watch({"", "--prefix"})->create.key(), std::string(1, '\0'));
    const auto env = watch({"--", "echo"}, {"k", "l"});
    ASSERT_TRUE(env);
    EXPECT_EQ(env->create.key(), "k");
    EXPECT_EQ(env->create.range_end(), "l");
}

TEST(WatchLine, RefusesWhatIsNoWatch) {
    EXPECT_FALSE(watch({}));
    EXPECT_FALSE(watch({"a", "b", "c"}));
    EXPECT_FALSE(watch({"a", "--"}));
    EXPECT_FALSE(watch({"a", "b", "--prefix"}));
    EXPECT_FALSE(watch({"a"}, {"k", ""}));
}

}  // namespace
}  // namespace quorate::ctl
