// SPDX-License-Identifier: Apache-2.0
//
// check-history FILE...: judges histories that clients of real servers have recorded. The format is
// in history_json.h. Exit code 0: linearizable; 1: not, or not to be decided; 2: no history.
#include "sim/history_json.h"
#include "sim/linearizability.h"
#include "sim/revision_check.h"

#include <cstdio>
#include <fstream>

namespace quorate::sim {
namespace {

int check(const char* path) {
    std::ifstream in(path);
    if (!in) {
        std::fprintf(stderr, "%s: can't be read\n", path);
        return 2;
    }
    const auto history = read_history(in);
    if (!history) {
        std::fprintf(stderr, "%s: %s\n", path, history.error().message().c_str());
        return 2;
    }
    std::vector<std::string> findings;
    if (!history->changes.empty()) {
        findings = check_revisions(*history);
    }
    const Linearizability searched = check_linearizability(*history);
    findings.insert(findings.end(), searched.findings.begin(), searched.findings.end());
    for (const std::string& key : searched.undecided) {
        findings.push_back("too many orders to look at for key " + key);
    }
    for (const std::string& finding : findings) {
        std::printf("%s: %s\n", path, finding.c_str());
    }
    std::printf("%s: %zu calls, %zu changes, %llu states searched: %s\n", path,
                history->calls.size(), history->changes.size(),
                static_cast<unsigned long long>(searched.states),
                findings.empty() ? "linearizable" : "NOT LINEARIZABLE");
    return findings.empty() ? 0 : 1;
}

}  // namespace
}  // namespace quorate::sim

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: check-history FILE...\n", stderr);
        return 2;
    }
    int worst = 0;
    for (int i = 1; i < argc; ++i) {
        const int result = quorate::sim::check(argv[i]);
        worst = result > worst ? result : worst;
    }
    return worst;
}
