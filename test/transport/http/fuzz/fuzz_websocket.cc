// SPDX-License-Identifier: Apache-2.0
//
// WebSocket frames: however the input is cut, the events are the same, and no message is larger
// than allowed. The first byte says how it is cut.
#include "plugins/transport/http/websocket.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using quorate::http::WebSocketReader;

namespace {

constexpr uint64_t kBytesMax = 4096;

void check(bool held) {
    if (!held) {
        std::abort();
    }
}

using Events = std::vector<std::pair<WebSocketReader::Event, std::string>>;

Events read(std::string_view input, size_t piece_bytes) {
    WebSocketReader reader(kBytesMax);
    Events events;
    std::string kept;
    while (!input.empty()) {
        const std::string_view piece = input.substr(0, piece_bytes);
        input.remove_prefix(piece.size());
        kept.append(piece);
        while (true) {
            size_t used = 0;
            const WebSocketReader::Event event = reader.next(kept, used);
            check(used <= kept.size());
            kept.erase(0, used);
            if (event == WebSocketReader::Event::kNeedMore) {
                break;
            }
            check(reader.message().size() <= kBytesMax);
            events.emplace_back(event, std::string(reader.message()));
            if (event != WebSocketReader::Event::kMessage &&
                event != WebSocketReader::Event::kPing) {
                return events;
            }
        }
    }
    return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 1) {
        return 0;
    }
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    check(read(input, SIZE_MAX) == read(input, 1 + data[0] % 64U));
    return 0;
}
