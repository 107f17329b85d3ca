// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/http2_input.h"

#include "plugins/transport/http/grpc_status.h"
#include "plugins/transport/http/gzip.h"
#include "plugins/transport/http/loop.h"

#include <algorithm>
#include <utility>

namespace quorate::http {

void Http2Input::receive(Http2Stream& stream, std::string_view bytes) {
    unconsumed_ += bytes.size();
    if (!stream.receiving()) {
        return;  // thrown away; its window stays closed
    }
    stream.unconsumed += bytes.size();
    if (stream.held() || !stream.kept_back.empty() || stream.delivering) {
        stream.kept_back.append(bytes);
    } else {
        deliver(stream, bytes);
    }
    account(stream);
}

void Http2Input::receive_end(Http2Stream& stream) {
    stream.input_ended = true;
    end_if_delivered(stream);
}

void Http2Input::resume(Http2Stream& stream) {
    if (stream.delivering) {
        return;  // the delivery under way sees that the call is not held
    }
    const std::string bytes = std::move(stream.kept_back);
    stream.kept_back.clear();
    deliver(stream, bytes);
    account(stream);
    end_if_delivered(stream);
}

void Http2Input::end_if_delivered(Http2Stream& stream) {
    if (!stream.input_ended || !stream.kept_back.empty() || stream.delivering ||
        !stream.receiving()) {
        return;
    }
    if (!stream.reader.at_boundary()) {
        owner_.refuse(stream, QUORATE_INTERNAL, "unexpected EOF");
        return;
    }
    owner_.on_input_end(stream);
}

void Http2Input::deliver(Http2Stream& stream, std::string_view bytes) {
    stream.delivering = true;
    while (!bytes.empty() && stream.receiving()) {
        if (stream.held()) {
            stream.kept_back.assign(bytes);
            break;
        }
        const MessageReader::Step step = stream.reader.next(bytes);
        bytes.remove_prefix(step.used);
        if (!hand_over(stream, step)) {
            break;
        }
    }
    stream.delivering = false;
}

// False when the stream has ended by it.
bool Http2Input::hand_over(Http2Stream& stream, const MessageReader::Step& step) {
    const uint64_t bytes_max = limits_.message_bytes_max;
    const auto too_large = [&](std::string_view text, uint64_t size) {
        owner_.refuse(stream, QUORATE_RESOURCE_EXHAUSTED,
                      std::string(text) + " (" + std::to_string(size) + " vs. " +
                          std::to_string(bytes_max) + ")");
        return false;
    };
    switch (step.result) {
        case MessageReader::Result::kNeedMore:
            return true;
        case MessageReader::Result::kTooLarge:
            return too_large("grpc: received message larger than max", step.announced);
        case MessageReader::Result::kBadFlag:
            owner_.refuse(stream, QUORATE_INTERNAL,
                          "grpc: received unexpected payload format " + std::to_string(step.flag));
            return false;
        case MessageReader::Result::kMessage:
            break;
    }
    std::string_view message = step.message;
    if (step.flag == 1) {
        if (!stream.gzip) {
            owner_.refuse(stream, QUORATE_INTERNAL,
                          "grpc: compressed flag set with identity or empty encoding");
            return false;
        }
        std::string& plain = loop_.message_scratch();
        switch (gunzip(message, bytes_max, plain)) {
            case GunzipResult::kOk:
                message = plain;
                break;
            case GunzipResult::kTooLarge:
                return too_large("grpc: received message after decompression larger than max",
                                 plain.size());
            case GunzipResult::kDamaged:
                owner_.refuse(stream, QUORATE_INTERNAL,
                              "grpc: failed to decompress the received message");
                return false;
        }
    }
    if (stream.counted()) {
        loop_.count().received_bytes.add(message.size());
    }
    stream.deliver_message(message);
    return true;
}

// Decides what of the stream's window goes back to the peer, after every change.
void Http2Input::account(Http2Stream& stream) {
    if (!stream.receiving()) {
        forget(stream);
        return;
    }
    const uint64_t expected = stream.reader.expected_bytes();
    // nghttp2 gives a window back when half of it is consumed, so half is what a message can count
    // on without a grant.
    const bool large = expected > limits_.stream_window_bytes / 2;
    if (stream.granted != 0 && stream.granted != expected) {
        granted_ -= std::exchange(stream.granted, 0);
        grant_waiting();
    }
    if (large && stream.granted == 0 && stream.ticket == 0) {
        stream.ticket = ++last_ticket_;
        waiting_.emplace(stream.ticket, &stream);
        grant_waiting();
    }
    park(stream);
    if (parked_ > limits_.connection_bytes_max) {
        owner_.refuse(stream, QUORATE_RESOURCE_EXHAUSTED,
                      "too many half-sent messages on this connection");
    }
}

void Http2Input::park(Http2Stream& stream) {
    const uint64_t unfinished = stream.granted != 0 ? 0 : stream.reader.held_bytes();
    const uint64_t parked = unfinished + stream.kept_back.size();
    parked_ = parked_ - stream.parked + parked;
    stream.parked = parked;
    if (stream.unconsumed > parked && !stream.input_ended) {
        const uint64_t consumed = stream.unconsumed - parked;
        stream.unconsumed = parked;
        nghttp2_session_consume_stream(session_, stream.id, static_cast<size_t>(consumed));
    }
}

void Http2Input::grant_waiting() {
    while (!waiting_.empty()) {
        Http2Stream& stream = *waiting_.begin()->second;
        const uint64_t wanted = stream.reader.expected_bytes();
        if (granted_ != 0 && granted_ + wanted > limits_.connection_bytes_max) {
            return;
        }
        waiting_.erase(std::exchange(stream.ticket, 0));
        stream.granted = wanted;
        granted_ += wanted;
        park(stream);
    }
}

void Http2Input::forget(Http2Stream& stream) {
    parked_ -= std::exchange(stream.parked, 0);
    stream.kept_back = std::string();
    stream.reader.reset();
    if (stream.ticket != 0) {
        waiting_.erase(std::exchange(stream.ticket, 0));
    }
    if (stream.granted != 0) {
        granted_ -= std::exchange(stream.granted, 0);
        grant_waiting();
    }
}

void Http2Input::settle() {
    if (unconsumed_ != 0) {
        nghttp2_session_consume_connection(session_,
                                           static_cast<size_t>(std::exchange(unconsumed_, 0)));
    }
}

}  // namespace quorate::http
