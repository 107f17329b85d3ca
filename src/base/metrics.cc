// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include "base/assert.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace quorate::metrics {

namespace {

std::vector<double> bounds_of(const Buckets& buckets) {
    std::vector<double> bounds;
    double bound = buckets.start;
    for (int i = 0; i < buckets.count; ++i) {
        bounds.push_back(bound);
        bound *= buckets.factor;
    }
    return bounds;
}

}  // namespace

Histogram::Histogram(const Buckets& buckets) : Histogram(bounds_of(buckets)) {}

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
    QUORATE_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) {
    // A bound belongs to its bucket: "le" is less or equal.
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
    Snapshot out{bounds_, {}, sum_.load(std::memory_order_relaxed)};
    uint64_t total = 0;
    for (const std::atomic<uint64_t>& count : counts_) {
        total += count.load(std::memory_order_relaxed);
        out.cumulative.push_back(total);
    }
    return out;
}

struct Registry::Series {
    // One of them, by the family's type.
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> read;
};

struct Registry::Family {
    std::string help;
    std::string type;
    std::map<std::string, Series> series;  // by labels, as a="x",b="y" with escapes

    Series& of(Labels labels);
};

namespace {

// A backslash and a newline everywhere, quotes in label values too.
std::string escaped(std::string_view text, std::string_view more) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else {
            if (c == '\\' || more.find(c) != std::string_view::npos) {
                out += '\\';
            }
            out += c;
        }
    }
    return out;
}

// As Go prints floats with the fewest digits: an exponent of two digits at least, and from 1e+06
// on, so that the values of "le" are the ones that dashboards know.
std::string go_float(double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    const double magnitude = std::fabs(value);
    const bool plain = value == 0 || (magnitude >= 1e-4 && magnitude < 1e6);
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, value,
                                   plain ? std::chars_format::fixed : std::chars_format::scientific)
                         .ptr;
    return std::string(digits, end);
}

std::string number(double value) {
    constexpr double kExact = 9007199254740992.0;  // up to here every integer is a double
    if (std::fabs(value) <= kExact && value == std::floor(value)) {
        return std::to_string(static_cast<int64_t>(value));
    }
    return go_float(value);
}

void append_sample(std::string& out, std::string_view name, std::string_view labels,
                   std::string_view value) {
    out += name;
    if (!labels.empty()) {
        out += '{';
        out += labels;
        out += '}';
    }
    out += ' ';
    out += value;
    out += '\n';
}

void append_histogram(std::string& out, const std::string& name, const std::string& labels,
                      const Histogram& histogram) {
    const Histogram::Snapshot snapshot = histogram.snapshot();
    const std::string prefix = labels.empty() ? "" : labels + ",";
    for (size_t i = 0; i < snapshot.cumulative.size(); ++i) {
        const double bound = i < snapshot.bounds.size() ? snapshot.bounds[i]
                                                        : std::numeric_limits<double>::infinity();
        append_sample(out, name + "_bucket", prefix + "le=\"" + go_float(bound) + "\"",
                      std::to_string(snapshot.cumulative[i]));
    }
    append_sample(out, name + "_sum", labels, number(snapshot.sum));
    append_sample(out, name + "_count", labels, std::to_string(snapshot.cumulative.back()));
}

}  // namespace

Registry::Series& Registry::Family::of(Labels labels) {
    std::sort(labels.begin(), labels.end());
    std::string text;
    for (const auto& [name, value] : labels) {
        text += (text.empty() ? "" : ",") + name + "=\"" + escaped(value, "\"") + "\"";
    }
    return series[text];
}

Registry::Family& Registry::family(std::string_view name, std::string_view help,
                                   std::string_view type) {
    auto found = families_.find(name);
    if (found == families_.end()) {
        auto added = std::make_shared<Family>();
        added->help = std::string(help);
        added->type = std::string(type);
        found = families_.emplace(std::string(name), std::move(added)).first;
    }
    QUORATE_ASSERT(found->second->type == type);
    return *found->second;
}

Counter& Registry::counter(std::string_view name, std::string_view help, Labels labels) {
    const std::lock_guard lock(mutex_);
    Series& series = family(name, help, "counter").of(std::move(labels));
    if (series.counter == nullptr) {
        series.counter = std::make_unique<Counter>();
    }
    return *series.counter;
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
    const std::lock_guard lock(mutex_);
    Series& series = family(name, help, "gauge").of(std::move(labels));
    if (series.gauge == nullptr) {
        series.gauge = std::make_unique<Gauge>();
    }
    return *series.gauge;
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, const Buckets& buckets,
                               Labels labels) {
    return histogram_of_bounds(name, help, bounds_of(buckets), std::move(labels));
}

Histogram& Registry::histogram_of_bounds(std::string_view name, std::string_view help,
                                         const std::vector<double>& bounds, Labels labels) {
    const std::lock_guard lock(mutex_);
    Series& series = family(name, help, "histogram").of(std::move(labels));
    if (series.histogram == nullptr) {
        series.histogram = std::make_unique<Histogram>(bounds);
    }
    return *series.histogram;
}

void Registry::function(std::string_view name, std::string_view help, std::string_view type,
                        std::function<double()> read, Labels labels) {
    QUORATE_ASSERT(type == "gauge" || type == "counter");
    const std::lock_guard lock(mutex_);
    family(name, help, type).of(std::move(labels)).read = std::move(read);
}

std::string Registry::expose() const {
    std::string out;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, family] : families_) {
        out += "# HELP " + name + " " + escaped(family->help, "") + "\n";
        out += "# TYPE " + name + " " + family->type + "\n";
        for (const auto& [labels, series] : family->series) {
            if (series.histogram != nullptr) {
                append_histogram(out, name, labels, *series.histogram);
            } else if (series.counter != nullptr) {
                append_sample(out, name, labels, std::to_string(series.counter->value()));
            } else if (series.gauge != nullptr) {
                append_sample(out, name, labels, std::to_string(series.gauge->value()));
            } else {
                append_sample(out, name, labels, number(series.read()));
            }
        }
    }
    return out;
}

}  // namespace quorate::metrics
