// SPDX-License-Identifier: Apache-2.0
//
// gRPC framing: however the input is cut, the messages are the same, and nothing is held that did
// not come. The first bytes say how it is cut.
#include "plugins/transport/http/grpc_frame.h"
#include "plugins/transport/http/grpc_status.h"
#include "plugins/transport/http/grpc_timeout.h"
#include "plugins/transport/http/gzip.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using quorate::http::MessageReader;

namespace {

constexpr uint64_t kBytesMax = 4096;

void check(bool held) {
    if (!held) {
        std::abort();
    }
}

struct Outcome {
    std::vector<std::string> messages;
    MessageReader::Result last = MessageReader::Result::kNeedMore;

    bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view input, size_t piece_bytes) {
    MessageReader reader(kBytesMax);
    Outcome outcome;
    size_t came = 0;
    while (!input.empty()) {
        std::string_view piece = input.substr(0, piece_bytes);
        input.remove_prefix(piece.size());
        came += piece.size();
        while (!piece.empty()) {
            const auto step = reader.next(piece);
            check(step.used <= piece.size());
            check(step.used > 0);
            piece.remove_prefix(step.used);
            check(reader.held_bytes() <= came);
            if (step.result == MessageReader::Result::kMessage) {
                check(step.message.size() <= kBytesMax);
                outcome.messages.emplace_back(step.message);
            } else if (step.result != MessageReader::Result::kNeedMore) {
                outcome.last = step.result;
                return outcome;
            }
        }
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 1) {
        return 0;
    }
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = read(input, SIZE_MAX);
    check(whole == read(input, 1 + data[0] % 64U));
    std::string plain;
    if (quorate::http::gunzip(input, kBytesMax, plain) == quorate::http::GunzipResult::kOk) {
        check(plain.size() <= kBytesMax);
    }
    if (!quorate::http::parse_grpc_timeout(input)) {
        check(!quorate::http::grpc_timeout_error(input).empty());
    }
    check(quorate::http::percent_encode(input).size() >= input.size());
    return 0;
}
