// SPDX-License-Identifier: Apache-2.0
#include "wal/spares.h"

#include "base/assert.h"
#include "base/errors.h"
#include "wal/aligned_buffer.h"
#include "wal/segment.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

namespace quorate::wal {
namespace {

// Retired segments and reports are few; the bound only says what "few" means.
constexpr size_t kMailboxCapacity = 64 * 1024;

constexpr uint64_t kSliceBytes = 1024 * 1024;
// Between slices, so that a sync of the log never queues behind more than one of them.
constexpr int64_t kSlicePauseNs = 1'000'000;
constexpr int64_t kRetryNs = 1'000'000'000;
constexpr int64_t kIdleNs = 3'600'000'000'000;

std::optional<uint64_t> spare_number(std::string_view name) {
    name.remove_suffix(kSpareSuffix.size());
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number, 16);
    if (error != std::errc() || end != name.data() + name.size()) {
        return std::nullopt;
    }
    return number;
}

}  // namespace

// A file on its way to be a spare.
class Spares::Filling {
  public:
    static Result<std::unique_ptr<Filling>> begin(FileSystem& fs, const std::string& path,
                                                  uint64_t bytes) {
        if (Status s = fs.remove(path); !s.ok() && !s.is(errors::kFileNotFound)) {
            return s;
        }
        auto created = fs.open(path, OpenMode::kCreateNew);
        if (!created) {
            return created.error();
        }
        auto file = fs.open(path, OpenMode::kWriteDirect);
        if (!file) {
            return file.error();
        }
        return std::unique_ptr<Filling>(new Filling(path, std::move(file).value(), bytes));
    }

    // True when the file is complete and synced.
    Result<bool> slice() {
        const uint64_t bytes = std::min(kSliceBytes, bytes_ - filled_);
        if (Status s = file_->write_at(filled_, zeros_.view(static_cast<size_t>(bytes))); !s.ok()) {
            return s;
        }
        filled_ += bytes;
        if (filled_ < bytes_) {
            return false;
        }
        if (Status s = file_->sync_data(); !s.ok()) {
            return s;
        }
        return true;
    }

    const std::string& path() const { return path_; }

  private:
    Filling(std::string path, std::unique_ptr<File> file, uint64_t bytes)
        : path_(std::move(path)), file_(std::move(file)), bytes_(bytes) {
        zeros_.reserve(kSliceBytes);
        std::memset(zeros_.data(), 0, kSliceBytes);
    }

    const std::string path_;
    const std::unique_ptr<File> file_;
    const uint64_t bytes_;
    uint64_t filled_ = 0;
    AlignedBuffer zeros_;
};

Spares::Spares(FileSystem& fs, std::string dir, const Settings& settings)
    : fs_(fs),
      dir_(std::move(dir)),
      settings_(settings),
      orders_(kMailboxCapacity, settings.waker == nullptr ? no_sleeper_ : *settings.waker),
      reports_(kMailboxCapacity, no_sleeper_) {}

Spares::~Spares() = default;

Status Spares::open() {
    auto names = fs_.list(dir_);
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        if (!name.ends_with(kSpareSuffix)) {
            continue;
        }
        const auto number = spare_number(name);
        next_number_ = std::max(next_number_, number.value_or(0) + 1);
        const std::string path = dir_ + "/" + name;
        auto file = fs_.open(path, OpenMode::kRead);
        if (!file) {
            return file.error();
        }
        auto size = (*file)->size();
        if (!size) {
            return size.error();
        }
        if (number && *size == settings_.segment_bytes && available_.size() < settings_.count_max) {
            available_.push_back(path);
        } else if (Status s = fs_.remove(path); !s.ok()) {
            return s;
        }
    }
    count_ = available_.size();
    return {};
}

std::optional<std::string> Spares::take() {
    poll();
    if (available_.empty()) {
        return std::nullopt;
    }
    std::string path = std::move(available_.front());
    available_.pop_front();
    orders_.push_always({.kind = Order::Kind::kTaken});
    return path;
}

void Spares::retire(std::string path, uint64_t bytes) {
    retiring_bytes_ += bytes;
    orders_.push_always({.kind = Order::Kind::kRetire, .path = std::move(path), .bytes = bytes});
}

void Spares::poll() {
    reports_.take(taken_reports_);
    for (Report& report : taken_reports_) {
        retiring_bytes_ -= report.retired_bytes;
        if (report.spare) {
            available_.push_back(std::move(*report.spare));
        }
        health_ = std::move(report.status);
    }
}

int64_t Spares::turn() {
    orders_.take(taken_orders_);
    for (Order& order : taken_orders_) {
        waiting_.push_back(std::move(order));
    }
    Status status = retire_waiting();
    if (status.ok() && (filling_ != nullptr || count_ == 0)) {
        status = fill_slice();
    }
    if (!status.ok()) {
        filling_.reset();
        reports_.push_always({.status = std::move(status)});
        return kRetryNs;
    }
    return filling_ != nullptr ? kSlicePauseNs : kIdleNs;
}

Status Spares::retire_waiting() {
    while (!waiting_.empty()) {
        const Order& order = waiting_.front();
        if (order.kind == Order::Kind::kTaken) {
            QUORATE_ASSERT(count_ > 0);
            --count_;
        } else if (Status s = retire_one(order); !s.ok()) {
            return s;
        }
        waiting_.pop_front();
    }
    return {};
}

Status Spares::retire_one(const Order& order) {
    Report report{.retired_bytes = order.bytes};
    const bool reuse = order.bytes == settings_.segment_bytes && count_ < settings_.count_max;
    Status done;
    if (reuse) {
        report.spare = next_path();
        done = fs_.rename(order.path, *report.spare);
    } else {
        done = fs_.remove(order.path);
    }
    if (done.is(errors::kFileNotFound)) {
        // The attempt before this one failed after its first half. What it made is found at the
        // next start.
        report.spare.reset();
    } else if (!done.ok()) {
        return done;
    }
    if (Status s = fs_.sync_dir(dir_); !s.ok()) {
        return s;
    }
    count_ += report.spare ? 1U : 0U;
    reports_.push_always(std::move(report));
    return {};
}

Status Spares::fill_slice() {
    if (filling_ == nullptr) {
        auto begun = Filling::begin(fs_, next_path(), settings_.segment_bytes);
        if (!begun) {
            return begun.error();
        }
        filling_ = std::move(begun).value();
    }
    auto complete = filling_->slice();
    if (!complete) {
        // The space is wanted elsewhere now, and nobody reads half a spare.
        static_cast<void>(fs_.remove(filling_->path()));
        return complete.error();
    }
    if (*complete) {
        ++count_;
        reports_.push_always({.spare = filling_->path()});
        filling_.reset();
    }
    return {};
}

Status Spares::make_zeroed(FileSystem& fs, const std::string& path, uint64_t bytes) {
    auto filling = Filling::begin(fs, path, bytes);
    if (!filling) {
        return filling.error();
    }
    for (;;) {
        auto complete = (*filling)->slice();
        if (!complete) {
            static_cast<void>(fs.remove(path));
            return complete.error();
        }
        if (*complete) {
            return {};
        }
    }
}

std::string Spares::next_path() {
    char raw[24];
    std::snprintf(raw, sizeof raw, "%016" PRIx64, next_number_++);
    return dir_ + "/" + std::string(raw).append(kSpareSuffix);
}

}  // namespace quorate::wal
