// SPDX-License-Identifier: Apache-2.0
#include "sim/runner.h"

#include "base/errors.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

namespace quorate::sim {
namespace {

constexpr size_t kViolationBytesMax = 8192;
// A run of the usual length takes a second; one that takes this long is stuck.
constexpr unsigned kRunSecondsMax = 300;

Result<uint64_t> parse_number(const std::string& text) {
    char* end = nullptr;
    const uint64_t number = std::strtoull(text.c_str(), &end, 10);
    if (text.empty() || *end != '\0') {
        return Status(errors::kUsage, "\"" + text + "\" is no number");
    }
    return number;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, ',');) {
        parts.push_back(part);
    }
    return parts;
}

Result<std::set<uint64_t>> parse_numbers(const std::string& text) {
    std::set<uint64_t> numbers;
    for (const std::string& part : split(text)) {
        const auto number = parse_number(part);
        if (!number) {
            return number.error();
        }
        numbers.insert(*number);
    }
    return numbers;
}

Result<std::set<uint64_t>> parse_kinds(const std::string& text) {
    std::set<uint64_t> kinds;
    for (const std::string& part : split(text)) {
        size_t kind = 0;
        while (kind < kFaultKinds && part != name_of(static_cast<FaultKind>(kind))) {
            ++kind;
        }
        if (kind == kFaultKinds) {
            return Status(errors::kUsage, "there is no fault \"" + part + "\"");
        }
        kinds.insert(kind);
    }
    return kinds;
}

// True when it took a value.
Result<bool> parse_with_value(RunnerOptions& options, const std::string& name,
                              const std::string& value) {
    if (name == "--without-kinds") {
        auto kinds = parse_kinds(value);
        if (!kinds) {
            return kinds.error();
        }
        options.world.without_kinds = std::move(kinds).value();
        return true;
    }
    if (name == "--without") {
        auto numbers = parse_numbers(value);
        if (!numbers) {
            return numbers.error();
        }
        options.world.without = std::move(numbers).value();
        return true;
    }
    const auto number = parse_number(value);
    if (!number) {
        return number.error();
    }
    const auto as_int = static_cast<int64_t>(*number);
    if (name == "--seed") {
        options.seed = *number;
    } else if (name == "--seeds") {
        options.seeds = *number;
    } else if (name == "--minutes") {
        options.minutes = static_cast<double>(*number);
    } else if (name == "--members") {
        options.world.members = *number;
    } else if (name == "--spares") {
        options.world.spares = *number;
    } else if (name == "--trouble") {
        options.world.trouble_ms = as_int;
    } else if (name == "--clients") {
        options.world.kv_clients = as_int;
    } else if (name == "--watchers") {
        options.world.watchers = as_int;
    } else if (name == "--lease-holders") {
        options.world.lease_holders = as_int;
    } else {
        return Status(errors::kUsage, "unknown option " + name);
    }
    return true;
}

std::string join(const std::set<uint64_t>& numbers) {
    std::string out;
    for (const uint64_t number : numbers) {
        out += (out.empty() ? "" : ",") + std::to_string(number);
    }
    return out;
}

// In the child.
[[noreturn]] void run_and_report(const WorldOptions& options, int out) {
    alarm(kRunSecondsMax);
    Outcome outcome;
    try {
        World world(options);
        outcome.counts = world.run();
        outcome.ok = true;
    } catch (const std::exception& e) {
        outcome.violation = e.what();
    }
    std::string message(reinterpret_cast<const char*>(&outcome.counts), sizeof outcome.counts);
    message += outcome.ok ? '\1' : '\0';
    message += outcome.violation.substr(0, kViolationBytesMax);
    // The pipe holds more than this.
    const ssize_t written = write(out, message.data(), message.size());
    _exit(written == static_cast<ssize_t>(message.size()) ? 0 : 1);
}

uint64_t random_seed_for_run() {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 16) ^ device();
}

struct Totals {
    uint64_t runs = 0;
    WorldCounts counts;

    void add(const WorldCounts& more) {
        ++runs;
        counts.steps += more.steps;
        counts.turns += more.turns;
        counts.simulated_ns += more.simulated_ns;
        counts.calls += more.calls;
        counts.unanswered += more.unanswered;
        counts.revisions += more.revisions;
        counts.events += more.events;
        counts.runs += more.runs;
        counts.faults += more.faults;
        counts.leases += more.leases;
        counts.changes += more.changes;
        counts.undecided += more.undecided;
    }

    void print(double seconds) const {
        const double hours = static_cast<double>(counts.simulated_ns) / 3.6e12;
        std::printf(
            "%llu runs, %.2f simulated hours in %.0f s, %.0f steps/s: %llu calls (%llu without an "
            "answer), %llu revisions, %llu watch items, %llu leases, %llu faults, %llu starts of "
            "members, %llu members added or removed, %llu keys undecided\n",
            static_cast<unsigned long long>(runs), hours, seconds,
            static_cast<double>(counts.steps) / seconds,
            static_cast<unsigned long long>(counts.calls),
            static_cast<unsigned long long>(counts.unanswered),
            static_cast<unsigned long long>(counts.revisions),
            static_cast<unsigned long long>(counts.events),
            static_cast<unsigned long long>(counts.leases),
            static_cast<unsigned long long>(counts.faults),
            static_cast<unsigned long long>(counts.runs),
            static_cast<unsigned long long>(counts.changes),
            static_cast<unsigned long long>(counts.undecided));
    }
};

void report(const RunnerOptions& options, const WorldOptions& failed, const Outcome& outcome) {
    const char* commit = std::getenv("QUORATE_COMMIT");  // ./dev sim sets it
    std::printf("FAILED at commit %s: sim%s\n  %s\n", commit == nullptr ? "unknown" : commit,
                arguments_of(failed).c_str(), outcome.violation.c_str());
    std::fflush(stdout);
    if (!options.shrink) {
        return;
    }
    const WorldOptions smaller = shrink(failed, 150);
    std::printf("  with less: sim%s --trace\n  %s\n", arguments_of(smaller).c_str(),
                run_in_child(smaller).violation.c_str());
    const int64_t until_ns = smaller.trouble_ms * 1'000'000;
    for (const Fault& fault :
         plan_faults({smaller.seed, smaller.members + smaller.spares, until_ns})) {
        if (!smaller.without.contains(fault.number) &&
            !smaller.without_kinds.contains(static_cast<uint64_t>(fault.kind))) {
            std::printf("    %s\n", describe(fault).c_str());
        }
    }
}

}  // namespace

Result<RunnerOptions> parse_arguments(const std::vector<std::string>& arguments) {
    RunnerOptions options;
    for (size_t i = 0; i < arguments.size(); ++i) {
        const std::string& name = arguments[i];
        if (name == "--trace") {
            options.world.trace = true;
        } else if (name == "--no-shrink") {
            options.shrink = false;
        } else if (name == "--expect-violation") {
            options.expect_violation = true;
        } else if (name == "--no-compactions") {
            options.world.compactions = false;
        } else if (i + 1 == arguments.size()) {
            return Status(errors::kUsage, name + " is unknown or lacks its value");
        } else if (const auto taken = parse_with_value(options, name, arguments[++i]); !taken) {
            return taken.error();
        }
    }
    return options;
}

Outcome run_in_child(const WorldOptions& options) {
    Outcome outcome;
    int ends[2];
    std::fflush(stdout);
    if (pipe(ends) != 0) {
        outcome.violation = "no pipe";
        return outcome;
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_and_report(options, ends[1]);
    }
    close(ends[1]);
    std::string message;
    char part[4096];
    for (ssize_t n = 0; (n = read(ends[0], part, sizeof part)) > 0;) {
        message.append(part, static_cast<size_t>(n));
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (message.size() <= sizeof outcome.counts) {
        outcome.violation = WIFSIGNALED(status)
                                ? std::string("killed by signal ") + strsignal(WTERMSIG(status))
                                : "ended without a word";
        return outcome;
    }
    std::memcpy(&outcome.counts, message.data(), sizeof outcome.counts);
    outcome.ok = message[sizeof outcome.counts] == '\1';
    outcome.violation = message.substr(sizeof outcome.counts + 1);
    return outcome;
}

std::string arguments_of(const WorldOptions& options) {
    const WorldOptions usual;
    std::string out = " --seed " + std::to_string(options.seed);
    const auto add = [&out](const char* name, int64_t value, int64_t usual_value) {
        if (value != usual_value) {
            out += std::string(" ") + name + " " + std::to_string(value);
        }
    };
    add("--members", static_cast<int64_t>(options.members), static_cast<int64_t>(usual.members));
    add("--spares", static_cast<int64_t>(options.spares), static_cast<int64_t>(usual.spares));
    add("--trouble", options.trouble_ms, usual.trouble_ms);
    add("--clients", options.kv_clients, usual.kv_clients);
    add("--watchers", options.watchers, usual.watchers);
    add("--lease-holders", options.lease_holders, usual.lease_holders);
    if (!options.compactions) {
        out += " --no-compactions";
    }
    if (!options.without.empty()) {
        out += " --without " + join(options.without);
    }
    if (!options.without_kinds.empty()) {
        out += " --without-kinds ";
        std::string kinds;
        for (const uint64_t kind : options.without_kinds) {
            kinds +=
                (kinds.empty() ? "" : ",") + std::string(name_of(static_cast<FaultKind>(kind)));
        }
        out += kinds;
    }
    return out;
}

WorldOptions shrink(const WorldOptions& options, uint64_t runs_max) {
    WorldOptions best = options;
    uint64_t runs = 0;
    // Any failure counts, not only the same one: what is simple and wrong is worth looking at.
    const auto still_fails = [&](const WorldOptions& candidate) {
        if (runs++ >= runs_max || run_in_child(candidate).ok) {
            return false;
        }
        best = candidate;
        return true;
    };
    const auto try_with = [&](auto change) {
        WorldOptions candidate = best;
        change(candidate);
        return still_fails(candidate);
    };
    try_with([](WorldOptions& o) { o.watchers = 0; });
    try_with([](WorldOptions& o) { o.lease_holders = 0; });
    try_with([](WorldOptions& o) { o.spares = 0; });
    try_with([](WorldOptions& o) { o.compactions = false; });
    for (const int64_t clients : {1, 2}) {
        if (try_with([clients](WorldOptions& o) { o.kv_clients = clients; })) {
            break;
        }
    }
    for (uint64_t kind = 0; kind < kFaultKinds; ++kind) {
        try_with([kind](WorldOptions& o) { o.without_kinds.insert(kind); });
    }
    // The earliest end of the trouble that is late enough.
    for (int64_t low = 0, high = best.trouble_ms; high - low > 200;) {
        const int64_t middle = (low + high) / 2;
        if (try_with([middle](WorldOptions& o) { o.trouble_ms = middle; })) {
            high = middle;
        } else {
            low = middle;
        }
    }
    // Faults in ever smaller pieces.
    const int64_t until_ns = best.trouble_ms * 1'000'000;
    std::vector<uint64_t> faults;
    for (const Fault& fault : plan_faults({best.seed, best.members + best.spares, until_ns})) {
        if (!best.without_kinds.contains(static_cast<uint64_t>(fault.kind))) {
            faults.push_back(fault.number);
        }
    }
    for (size_t piece = std::max<size_t>(1, faults.size() / 2); !faults.empty(); piece /= 2) {
        for (size_t at = 0; at < faults.size();) {
            const auto first = faults.begin() + static_cast<ptrdiff_t>(at);
            const auto last = first + static_cast<ptrdiff_t>(std::min(piece, faults.size() - at));
            if (try_with([&](WorldOptions& o) { o.without.insert(first, last); })) {
                faults.erase(first, last);
            } else {
                at += piece;
            }
        }
        if (piece == 1) {
            break;
        }
    }
    return best;
}

int run(const RunnerOptions& options) {
    const auto begin = std::chrono::steady_clock::now();
    const auto seconds = [&begin] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    if (options.world.trace) {
        WorldOptions world = options.world;
        world.seed = options.seed.value_or(0);
        try {
            World(world).run();
        } catch (const Violation& violation) {
            std::printf("%s\n", violation.what());
            return 1;
        }
        return 0;
    }
    Totals totals;
    bool failed = false;
    uint64_t number = 0;
    const uint64_t seeds = options.seeds == 0 && options.minutes == 0 ? 1 : options.seeds;
    while (!failed && (seeds == 0 || number < seeds) &&
           (options.minutes == 0 || seconds() < options.minutes * 60)) {
        WorldOptions world = options.world;
        world.seed = options.seed ? *options.seed + number : random_seed_for_run();
        ++number;
        const Outcome outcome = run_in_child(world);
        totals.add(outcome.counts);
        if (!outcome.ok) {
            failed = true;
            report(options, world, outcome);
        }
    }
    totals.print(seconds());
    return failed == options.expect_violation ? 0 : 1;
}

}  // namespace quorate::sim
