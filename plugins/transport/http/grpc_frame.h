// SPDX-License-Identifier: Apache-2.0
//
// gRPC's message framing: one flag byte, four bytes of length, the message. Pure.
//
// MessageReader cuts whole messages out of pieces of any size. A message that lies whole in one
// piece is not copied. Memory follows the bytes that came, not the length that was announced.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::http {

inline constexpr size_t kMessagePrefixBytes = 5;

// The prefix of an uncompressed message. `size` is below 2^32.
std::array<char, kMessagePrefixBytes> message_prefix(size_t size);

class MessageReader {
  public:
    enum class Result : uint8_t {
        kNeedMore,  // all input is used
        kMessage,   // `message` is set
        kTooLarge,  // `announced` is over the bound; the reader is done
        kBadFlag,   // `flag` is neither 0 nor 1; the reader is done
    };
    struct Step {
        Result result = Result::kNeedMore;
        size_t used = 0;           // bytes of the input that this step took
        std::string_view message;  // valid until the next step and as long as the input
        uint64_t announced = 0;
        uint8_t flag = 0;  // 1: compressed
    };

    explicit MessageReader(uint64_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

    // Takes from the front of `input` up to the end of one message. An empty message may end a step
    // that used nothing but the prefix.
    Step next(std::string_view input);

    // Between two messages: the peer may stop here.
    bool at_boundary() const { return prefix_size_ == 0; }
    // Bytes of the unfinished message that are held, its prefix included.
    size_t held_bytes() const { return prefix_size_ + body_.size(); }
    // Length of the unfinished message with its prefix, 0 while that is not known.
    uint64_t expected_bytes() const;
    // Ready for another stream with the same bound; gives large memory back.
    void reset();

  private:
    uint64_t announced() const;
    Step finish_message(std::string_view body, size_t used);

    const uint64_t message_bytes_max_;
    std::array<char, kMessagePrefixBytes> prefix_{};
    uint8_t prefix_size_ = 0;
    bool delivered_ = false;  // body_ holds a message that was given out by the last step
    std::string body_;
};

}  // namespace quorate::http
