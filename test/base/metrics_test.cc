// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include "base/process_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

namespace quorate::metrics {
namespace {

TEST(Metrics, FamiliesAndLabelsAreSorted) {
    Registry registry;
    registry.counter("z_total", "last").add(3);
    registry.gauge("a_gauge", "first", {{"zone", "b"}, {"area", "x"}}).set(-7);
    registry.gauge("a_gauge", "first", {{"zone", "a"}, {"area", "x"}}).add(2);
    EXPECT_EQ(registry.expose(),
              "# HELP a_gauge first\n"
              "# TYPE a_gauge gauge\n"
              "a_gauge{area=\"x\",zone=\"a\"} 2\n"
              "a_gauge{area=\"x\",zone=\"b\"} -7\n"
              "# HELP z_total last\n"
              "# TYPE z_total counter\n"
              "z_total 3\n");
}

TEST(Metrics, SameNameAndLabelsAreTheSameMetric) {
    Registry registry;
    Counter& first = registry.counter("n_total", "h", {{"a", "1"}, {"b", "2"}});
    Counter& again = registry.counter("n_total", "h", {{"b", "2"}, {"a", "1"}});
    EXPECT_EQ(&first, &again);
    EXPECT_NE(&first, &registry.counter("n_total", "h", {{"a", "1"}}));
}

TEST(Metrics, EscapesHelpAndLabelValues) {
    Registry registry;
    registry.counter("n_total", "a\\b\n\"c\"", {{"l", "x\\y\n\"z\""}}).add();
    EXPECT_EQ(registry.expose(),
              "# HELP n_total a\\\\b\\n\"c\"\n"
              "# TYPE n_total counter\n"
              "n_total{l=\"x\\\\y\\n\\\"z\\\"\"} 1\n");
}

TEST(Metrics, HistogramCountsUpToAndWithItsBounds) {
    Registry registry;
    Histogram& histogram = registry.histogram("d_seconds", "h", {0.001, 2, 3});
    histogram.observe(0.001);  // on the bound: inside
    histogram.observe(0.0011);
    histogram.observe_ns(3'000'000);
    histogram.observe(5);
    EXPECT_EQ(registry.expose(),
              "# HELP d_seconds h\n"
              "# TYPE d_seconds histogram\n"
              "d_seconds_bucket{le=\"0.001\"} 1\n"
              "d_seconds_bucket{le=\"0.002\"} 2\n"
              "d_seconds_bucket{le=\"0.004\"} 3\n"
              "d_seconds_bucket{le=\"+Inf\"} 4\n"
              "d_seconds_sum 5.0051\n"
              "d_seconds_count 4\n");
}

TEST(Metrics, HistogramLabelsComeBeforeLe) {
    Registry registry;
    registry.histogram("d", "h", {1, 2, 1}, {{"To", "a"}, {"op", "b"}}).observe(1);
    const std::string text = registry.expose();
    EXPECT_NE(text.find("d_bucket{To=\"a\",op=\"b\",le=\"1\"} 1\n"), std::string::npos) << text;
    EXPECT_NE(text.find("d_sum{To=\"a\",op=\"b\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("d_count{To=\"a\",op=\"b\"} 1\n"), std::string::npos);
}

// The bounds of etcd's own histograms, as its dashboards name them.
TEST(Metrics, BoundsAreSpelledAsGoSpellsThem) {
    const auto has = [](const Buckets& buckets, const std::string& bound) {
        Registry registry;
        registry.histogram("d", "h", buckets);
        return registry.expose().find("{le=\"" + bound + "\"} 0\n") != std::string::npos;
    };
    EXPECT_TRUE(has({0.001, 2, 14}, "8.192"));
    EXPECT_TRUE(has({0.0001, 2, 20}, "0.0001"));
    EXPECT_TRUE(has({0.0001, 2, 20}, "0.0128"));
    EXPECT_TRUE(has({0.0001, 2, 20}, "52.4288"));
    EXPECT_TRUE(has({1, 2, 24}, "524288"));
    EXPECT_TRUE(has({1, 2, 24}, "1.048576e+06"));
    EXPECT_TRUE(has({1, 2, 24}, "8.388608e+06"));
    EXPECT_TRUE(has({100, 2, 14}, "819200"));
    EXPECT_TRUE(has({0.00001, 2, 2}, "1e-05"));
}

TEST(Metrics, FunctionsAreReadWhenPrinted) {
    Registry registry;
    double value = 1;
    registry.function("f", "h", "gauge", [&value] { return value; });
    EXPECT_NE(registry.expose().find("f 1\n"), std::string::npos);
    value = 0.25;
    EXPECT_NE(registry.expose().find("f 0.25\n"), std::string::npos);
    value = 123456789;
    EXPECT_NE(registry.expose().find("f 123456789\n"), std::string::npos);
    value = std::numeric_limits<double>::infinity();
    EXPECT_NE(registry.expose().find("f +Inf\n"), std::string::npos);
    value = std::nan("");
    EXPECT_NE(registry.expose().find("f NaN\n"), std::string::npos);
}

TEST(Metrics, NameKeepsItsType) {
    Registry registry;
    registry.counter("n_total", "h");
    EXPECT_DEATH(registry.gauge("n_total", "h"), "assertion failed");
}

TEST(Metrics, UpdatesFromManyThreadsAllCount) {
    Registry registry;
    Counter& counter = registry.counter("n_total", "h");
    Histogram& histogram = registry.histogram("d", "h", {1, 2, 4});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) {
                counter.add();
                histogram.observe(2);
            }
            registry.gauge("g", "h", {{"t", "x"}}).add(1);
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(counter.value(), 40'000U);
    EXPECT_EQ(histogram.snapshot().cumulative.back(), 40'000U);
    EXPECT_EQ(histogram.snapshot().sum, 80'000.0);
    EXPECT_EQ(registry.gauge("g", "h", {{"t", "x"}}).value(), 4);
}

// The value of a sample without labels.
double sample(const std::string& text, const std::string& name) {
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

TEST(Metrics, ProcessFamilyTellsOfThisProcess) {
    Registry registry;
    add_process_metrics(registry);
    const std::string text = registry.expose();
    EXPECT_GT(sample(text, "process_resident_memory_bytes"), 1'000'000);
    EXPECT_GT(sample(text, "process_virtual_memory_bytes"),
              sample(text, "process_resident_memory_bytes"));
    EXPECT_GE(sample(text, "process_open_fds"), 3);
    EXPECT_GE(sample(text, "process_max_fds"), sample(text, "process_open_fds"));
    EXPECT_GE(sample(text, "process_cpu_seconds_total"), 0);
    const double started = sample(text, "process_start_time_seconds");
    const double now = static_cast<double>(time(nullptr));
    EXPECT_LE(started, now + 2);  // the boot time is rounded
    EXPECT_GT(started, now - 24 * 3600);
    EXPECT_EQ(sample(text, "os_fd_limit"), sample(text, "process_max_fds"));
    EXPECT_EQ(sample(text, "os_fd_used"), sample(text, "process_open_fds"));
}

}  // namespace
}  // namespace quorate::metrics
