// SPDX-License-Identifier: Apache-2.0
//
// A hub over a FakeSource, with sinks the test keeps hold of.
#pragma once

#include "fake_source.h"
#include "mvcc/watch_hub.h"
#include "recording_sink.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

namespace quorate::mvcc {

inline WatchHubOptions test_options() {
    WatchHubOptions options;
    options.progress_interval_ms = 1000;
    options.random = [](uint64_t bound) { return bound / 2; };
    return options;
}

// "PUT k=v@7" and "DELETE k@8", with " was u" where there is a previous pair.
inline std::string text_of(const mvccpb::Event& event) {
    std::string text = mvccpb::Event::EventType_Name(event.type()) + " " + event.kv().key();
    if (event.type() == mvccpb::Event::PUT) {
        text += "=" + event.kv().value();
    }
    text += "@" + std::to_string(event.kv().mod_revision());
    if (event.has_prev_kv()) {
        text += " was " + event.prev_kv().value();
    }
    return text;
}

inline std::vector<std::string> texts_of(const Received& received) {
    std::vector<std::string> texts;
    for (const mvccpb::Event& event : received.events) {
        texts.push_back(text_of(event));
    }
    return texts;
}

using Texts = std::vector<std::string>;

class HubFixture : public testing::Test {
  protected:
    explicit HubFixture(WatchHubOptions options = test_options()) : options_(std::move(options)) {}

    // Made at its first use, so that a test can write history before the hub starts.
    WatchHub& hub() {
        if (hub_ == nullptr) {
            hub_ = std::make_unique<WatchHub>(served(), options_);
        }
        return *hub_;
    }

    // What the hub reads from.
    virtual ChangeSource& served() { return source_; }

    struct Stream {
        StreamId id;
        SinkControl& sink;
    };

    Stream open(StreamOptions options = {}) {
        SinkControl& control = sinks_.emplace_back();
        return {hub().open_stream(std::make_unique<RecordingSink>(control), options), control};
    }

    // Runs until there is no more to do; how many slices that took.
    int settle() {
        int slices = 1;
        while (true) {
            const Result<bool> more = hub().run_slice();
            EXPECT_TRUE(more.has_value());
            hub().check_invariants();
            if (!more.has_value() || !more.value()) {
                return slices;
            }
            ++slices;
            EXPECT_LT(slices, 100'000) << "never settles";
            if (slices >= 100'000) {
                return slices;
            }
        }
    }

    void writable(Stream& stream, int room = -1) {
        stream.sink.busy = false;
        stream.sink.room = room;
        hub().writable(stream.id);
    }

    FakeSource source_;
    WatchHubOptions options_;

  private:
    std::deque<SinkControl> sinks_;  // outlives the hub, which owns the sinks
    std::unique_ptr<WatchHub> hub_;
};

}  // namespace quorate::mvcc
