// SPDX-License-Identifier: Apache-2.0
//
// quorate-load: loads a server that speaks the etcd v3 API and tells how it did. See --help.
#include "base/errors.h"
#include "options.h"
#include "process_usage.h"
#include "report.h"
#include "worker.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

namespace quorate::load {
namespace {

enum ExitStatus : int { kFine = 0, kFailedRequests = 1, kUsage = 2, kCannotRun = 3 };

using Workers = std::vector<std::unique_ptr<Worker>>;

Result<Workers> open_workers(const Options& options) {
    Workers workers;
    for (size_t i = 0; i < options.threads; ++i) {
        Result<std::unique_ptr<Worker>> worker = Worker::open(options, i);
        if (!worker) {
            return worker.error();
        }
        workers.push_back(std::move(*worker));
    }
    return workers;
}

// Runs `step` for every worker at once, the first one on this thread.
template <typename Step>
void on_all(Workers& workers, Step step) {
    std::vector<std::thread> threads;
    for (size_t i = 1; i < workers.size(); ++i) {
        threads.emplace_back([&step, &workers, i] { step(*workers[i], i); });
    }
    step(*workers[0], size_t{0});
    for (std::thread& thread : threads) {
        thread.join();
    }
}

Status prepare(Workers& workers) {
    std::vector<Status> results(workers.size());
    on_all(workers, [&results](Worker& worker, size_t i) { results[i] = worker.prepare(); });
    for (const Status& status : results) {
        if (!status.ok()) {
            return status;
        }
    }
    return {};
}

// Takes the processes' usage when the measured window begins and when it ends.
class UsageWindow {
  public:
    UsageWindow(const Options& options, const Schedule& schedule)
        : pids_(options.server_pids),
          schedule_(schedule),
          before_(pids_.size()),
          after_(pids_.size()) {}

    // A TurnHook.
    int64_t at(int64_t now) {
        if (!started_ && now >= schedule_.measure_ns) {
            started_ = true;
            sample(before_, own_before_);
        }
        if (!ended_ && now >= schedule_.end_ns) {
            finish();
        }
        return !started_ ? schedule_.measure_ns : !ended_ ? schedule_.end_ns : kNever;
    }

    // Counted runs end when they end.
    void finish() {
        if (!ended_) {
            ended_ = true;
            sample(after_, own_after_);
        }
    }

    void report(RunResult& result) const {
        result.client_cpu_s = own_after_ - own_before_;
        result.servers = after_;
        for (size_t i = 0; i < after_.size(); ++i) {
            result.servers[i].cpu_s -= before_[i].cpu_s;
        }
    }

  private:
    void sample(std::vector<ProcessUsage>& usages, double& own) const {
        own = own_cpu_s();
        for (size_t i = 0; i < pids_.size(); ++i) {
            const Result<ProcessUsage> usage = process_usage(pids_[i]);
            usages[i] =
                usage ? *usage : ProcessUsage{};  // a server that died shows in the failures
        }
    }

    const std::vector<int>& pids_;
    const Schedule schedule_;
    std::vector<ProcessUsage> before_, after_;
    double own_before_ = 0, own_after_ = 0;
    bool started_ = false, ended_ = false;
};

Schedule make_schedule(const Options& options) {
    Schedule schedule;
    schedule.start_ns = now_ns();
    schedule.measure_ns = schedule.start_ns + options.warmup_ns;
    schedule.count = options.count;
    if (options.count == 0) {
        schedule.end_ns = schedule.measure_ns + options.duration_ns;
    }
    if (options.rate > 0) {
        schedule.interval_ns = static_cast<double>(kSecondNs) / options.rate;
    }
    return schedule;
}

RunResult run(const Options& options, Workers& workers) {
    const Schedule schedule = make_schedule(options);
    UsageWindow usage(options, schedule);
    on_all(workers, [&schedule, &usage](Worker& worker, size_t i) {
        worker.run(schedule,
                   i == 0 ? TurnHook([&usage](int64_t now) { return usage.at(now); }) : TurnHook());
    });
    usage.finish();
    RunResult result;
    usage.report(result);
    for (const std::unique_ptr<Worker>& worker : workers) {
        result.records.merge(worker->recorder());
    }
    // A source that runs dry, and a counted run, end before the schedule does.
    const int64_t last_ns = result.records.last_completion_ns();
    const bool early = options.count > 0 || options.workload == Workload::kDelete;
    const int64_t end_ns = early ? last_ns : schedule.end_ns;
    result.measured_s =
        static_cast<double>(std::max<int64_t>(0, end_ns - schedule.measure_ns)) / kSecondNs;
    if (last_ns == 0) {
        result.records.fail("nothing was completed in the measured time");
    }
    return result;
}

bool write_file(const std::string& name, const std::string& text) {
    std::ofstream file(name);
    file << text;
    file.close();
    return file.good();
}

int complain(int status, const std::string& message) {
    std::fprintf(stderr, "quorate-load: %s\n", message.c_str());
    return status;
}

int load_main(int argc, const char* const* argv) {
    const Result<Options> options = Options::parse(argc, argv);
    if (!options) {
        return complain(kUsage, options.error().message());
    }
    if (options->help) {
        std::fputs(help_text().c_str(), stdout);
        return kFine;
    }
    for (const int pid : options->server_pids) {
        const Result<ProcessUsage> usage = process_usage(pid);
        if (!usage) {
            return complain(kCannotRun, usage.error().message());
        }
    }
    Result<Workers> workers = open_workers(*options);
    if (!workers) {
        return complain(kCannotRun, workers.error().message());
    }
    const Status prepared = prepare(*workers);
    if (!prepared.ok()) {
        return complain(kCannotRun, prepared.message());
    }
    const RunResult result = run(*options, *workers);
    std::fputs(report_text(*options, result).c_str(), stdout);
    if (!options->json_file.empty() &&
        !write_file(options->json_file, report_json(*options, result))) {
        return complain(kCannotRun, "cannot write " + options->json_file);
    }
    const bool failed = !result.records.failures().empty() && !options->allow_errors;
    return failed ? kFailedRequests : kFine;
}

}  // namespace
}  // namespace quorate::load

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    return quorate::load::load_main(argc, argv);
}
