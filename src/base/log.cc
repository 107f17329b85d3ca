// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/errors.h"
#include "base/log_levels.h"
#include "base/log_line.h"
#include "base/log_output.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>

namespace quorate::log {

namespace {

int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Result<std::vector<std::unique_ptr<Output>>> open_outputs(const Options& options) {
    if (options.rotation && (options.outputs.size() != 1 || !is_file(options.outputs[0]))) {
        return Status(errors::kConfig,
                      "--log-outputs requires a single file path when --log-rotate-config-json is "
                      "defined");
    }
    std::vector<std::unique_ptr<Output>> outputs;
    for (const std::string& name : options.outputs) {
        Result<std::unique_ptr<Output>> output = open_output(name, options.rotation);
        if (!output) {
            return output.error();
        }
        outputs.push_back(std::move(output).value());
    }
    return outputs;
}

// The process-wide sink. Levels are read without the lock by every log call; lines are formatted
// outside of it too, so that it is held for the write alone.
class Sink {
  public:
    Sink() {
        Result<std::vector<std::unique_ptr<Output>>> outputs = open_outputs(Options());
        QUORATE_ASSERT(outputs.has_value());  // standard error is always there
        outputs_ = std::move(outputs).value();
        kept_.push_back(std::make_unique<const Levels>());
        levels_.store(kept_.back().get(), std::memory_order_release);
    }

    Status configure(const Options& options) {
        Result<Levels> levels = Levels::parse(options.levels);
        if (!levels) {
            return levels.error();
        }
        Result<std::vector<std::unique_ptr<Output>>> outputs = open_outputs(options);
        if (!outputs) {
            return outputs.error();
        }
        const std::lock_guard lock(mutex_);
        lowest_.store(levels->lowest(), std::memory_order_relaxed);
        format_.store(options.format, std::memory_order_relaxed);
        kept_.push_back(std::make_unique<const Levels>(std::move(levels).value()));
        levels_.store(kept_.back().get(), std::memory_order_release);
        outputs_ = std::move(outputs).value();
        return {};
    }

    Status reopen() {
        const std::lock_guard lock(mutex_);
        for (const std::unique_ptr<Output>& output : outputs_) {
            if (Status s = output->reopen(); !s.ok()) {
                return s;
            }
        }
        return {};
    }

    bool enabled(Level level, const SourceLocation& where) const {
        if (level < lowest_.load(std::memory_order_relaxed)) {
            return false;  // nearly every debug line ends here
        }
        return level >= levels_.load(std::memory_order_acquire)->of(module_of(where.file_name()));
    }

    void write(const Line& line) {
        std::string text;
        if (format_.load(std::memory_order_relaxed) == Format::kJson) {
            append_json(text, line);
        } else {
            append_console(text, line);
        }
        const std::lock_guard lock(mutex_);
        for (const std::unique_ptr<Output>& output : outputs_) {
            output->write(text, line);
        }
    }

  private:
    std::atomic<Level> lowest_{Level::kInfo};
    std::atomic<Format> format_{Format::kJson};
    std::atomic<const Levels*> levels_;
    std::mutex mutex_;
    // All levels there ever were: log calls under way may still read the one before. One more for
    // each configure(), which is called a few times in the life of a process.
    std::vector<std::unique_ptr<const Levels>> kept_;
    std::vector<std::unique_ptr<Output>> outputs_;
};

// Never destroyed: threads and destructors log until the very end of the process.
Sink& sink() {
    static Sink* const instance = std::make_unique<Sink>().release();
    return *instance;
}

}  // namespace

bool is_file(std::string_view output) {
    return output != "default" && output != "stderr" && output != "stdout" &&
           output != "systemd/journal";
}

Status check_levels(std::string_view levels) {
    const Result<Levels> parsed = Levels::parse(levels);
    return parsed ? Status() : parsed.error();
}

Status configure(const Options& options) {
    return sink().configure(options);
}

Status reopen() {
    return sink().reopen();
}

bool enabled(Level level, const SourceLocation& where) {
    return sink().enabled(level, where);
}

void write(Level level, std::string_view message, std::span<const Field> fields,
           const SourceLocation& where) {
    if (sink().enabled(level, where)) {
        sink().write({level, message, fields, where, now_us()});
    }
}

void fatal(std::string_view message, Fields fields, SourceLocation where) {
    sink().write({Level::kFatal, message, {fields.begin(), fields.size()}, where, now_us()});
    // Not exit(): other threads still run, and destructors must not pull the state from under them.
    std::_Exit(1);
}

}  // namespace quorate::log
