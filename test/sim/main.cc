// SPDX-License-Identifier: Apache-2.0
//
// Runs simulations: one by its seed, or random ones for some time. A run is a process of its own,
// so that whatever it breaks in memory ends with it; one that fails is run again with less and less
// until nothing can be left out.
#include "sim/runner.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace quorate::sim {
namespace {

constexpr const char* kUsage =
    "usage: sim [--seed N] [--seeds COUNT] [--minutes N] [options]\n"
    "  --seed N          the first seed; random when not given\n"
    "  --seeds COUNT     how many seeds from there on (1 without --minutes)\n"
    "  --minutes N       random seeds for this long\n"
    "  --members N       of the cluster\n"
    "  --spares N        machines that are added to it and removed again\n"
    "  --trouble MS      simulated time with faults\n"
    "  --clients N       that read and write\n"
    "  --without N,N     faults that do not happen, by number\n"
    "  --without-kinds K,K  nor do these, by name\n"
    "  --trace           prints what happens; one seed only\n"
    "  --no-shrink       reports a failure as it is\n"
    "  --expect-violation  succeeds when a run fails: for mutants\n";

}  // namespace
}  // namespace quorate::sim

int main(int argc, char** argv) {
    const auto parsed = quorate::sim::parse_arguments({argv + 1, argv + argc});
    if (!parsed) {
        std::fputs(parsed.error().message().c_str(), stderr);
        std::fputs("\n", stderr);
        std::fputs(quorate::sim::kUsage, stderr);
        return 2;
    }
    return quorate::sim::run(*parsed);
}
