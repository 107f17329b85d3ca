// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/websocket.h"

#include <Poco/String.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace quorate::http {
namespace {

constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view kVersion = "13";
constexpr size_t kKeyBytes = 24;  // 16 in base64
constexpr unsigned char kLastBit = 0x80;
constexpr unsigned char kReservedBits = 0x70;
constexpr unsigned char kMaskBit = 0x80;
constexpr size_t kControlBytesMax = 125;
constexpr size_t kMaskBytes = 4;

bool is_control(WebSocketOpcode opcode) {
    return (static_cast<uint8_t>(opcode) & 0x8) != 0;
}

bool is_known(uint8_t opcode) {
    return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xa);
}

}  // namespace

bool asks_for_websocket(const WebSocketHeaders& headers) {
    return Poco::icompare(std::string(headers.upgrade), "websocket") == 0 &&
           headers.version == kVersion && headers.key.size() == kKeyBytes;
}

std::string websocket_accept(std::string_view key) {
    const std::string text = std::string(key) + std::string(kKeySuffix);
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> encoded{};
    const int size = EVP_EncodeBlock(encoded.data(), digest.data(), SHA_DIGEST_LENGTH);
    return {reinterpret_cast<const char*>(encoded.data()), static_cast<size_t>(size)};
}

void append_frame_head(std::string& out, WebSocketOpcode opcode, bool last, size_t payload_bytes) {
    out.push_back(static_cast<char>((last ? kLastBit : 0) | static_cast<uint8_t>(opcode)));
    int length_bytes = 0;
    if (payload_bytes < 126) {
        out.push_back(static_cast<char>(payload_bytes));
    } else if (payload_bytes <= 0xffff) {
        out.push_back(126);
        length_bytes = 2;
    } else {
        out.push_back(127);
        length_bytes = 8;
    }
    for (int shift = 8 * (length_bytes - 1); shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>((payload_bytes >> shift) & 0xff));
    }
}

std::string close_frame(WebSocketClose why) {
    std::string frame;
    append_frame_head(frame, WebSocketOpcode::kClose, true, 2);
    const auto code = static_cast<uint16_t>(why);
    frame.push_back(static_cast<char>(code >> 8));
    frame.push_back(static_cast<char>(code & 0xff));
    return frame;
}

WebSocketReader::Event WebSocketReader::next(std::string_view input, size_t& ret_used) {
    ret_used = 0;
    if (delivered_) {
        message_.clear();
        delivered_ = false;
    }
    while (true) {
        if (!in_frame_) {
            size_t used = 0;
            const Event event = take_head(input.substr(ret_used), used);
            ret_used += used;
            if (event != Event::kMessage) {
                return event;
            }
            in_frame_ = true;
        }
        std::string& payload = control_ ? control_payload_ : message_;
        const auto taken = static_cast<size_t>(std::min<uint64_t>(left_, input.size() - ret_used));
        for (size_t i = 0; i < taken; ++i) {
            const auto byte = static_cast<unsigned char>(input[ret_used + i]);
            payload.push_back(static_cast<char>(byte ^ mask_[mask_at_++ % kMaskBytes]));
        }
        ret_used += taken;
        left_ -= taken;
        if (left_ > 0) {
            return Event::kNeedMore;
        }
        in_frame_ = false;
        const Event event = end_frame();
        if (event != Event::kNeedMore) {
            return event;
        }
    }
}

// kMessage: the head is whole and allowed.
WebSocketReader::Event WebSocketReader::take_head(std::string_view input, size_t& ret_used) {
    const auto byte = [&input](size_t at) { return static_cast<unsigned char>(input[at]); };
    if (input.size() < 2) {
        return Event::kNeedMore;
    }
    const uint8_t opcode = byte(0) & 0x0f;
    uint64_t length = byte(1) & 0x7f;
    const size_t length_bytes = length == 127 ? 8 : (length == 126 ? 2 : 0);
    // A client's frames are masked, and extensions were not agreed on.
    if ((byte(0) & kReservedBits) != 0 || (byte(1) & kMaskBit) == 0 || !is_known(opcode)) {
        return Event::kMalformed;
    }
    if (input.size() < 2 + length_bytes + kMaskBytes) {
        return Event::kNeedMore;
    }
    if (length_bytes > 0) {
        length = 0;
        for (size_t i = 0; i < length_bytes; ++i) {
            length = (length << 8) | byte(2 + i);
        }
    }
    opcode_ = static_cast<WebSocketOpcode>(opcode);
    last_ = (byte(0) & kLastBit) != 0;
    control_ = is_control(opcode_);
    const bool continues = opcode_ == WebSocketOpcode::kContinuation;
    if (control_ ? (!last_ || length > kControlBytesMax) : continues != in_message_) {
        return Event::kMalformed;
    }
    if (!control_ && length > message_bytes_max_ - message_.size()) {
        return Event::kTooBig;
    }
    std::copy_n(input.data() + 2 + length_bytes, kMaskBytes, reinterpret_cast<char*>(mask_));
    mask_at_ = 0;
    left_ = length;
    if (control_) {
        control_payload_.clear();
    }
    ret_used = 2 + length_bytes + kMaskBytes;
    return Event::kMessage;
}

// kNeedMore: the frame is nothing that anybody has to hear of.
WebSocketReader::Event WebSocketReader::end_frame() {
    switch (opcode_) {
        case WebSocketOpcode::kPing:
            return Event::kPing;
        case WebSocketOpcode::kClose:
            return Event::kClose;
        case WebSocketOpcode::kPong:
            return Event::kNeedMore;
        case WebSocketOpcode::kContinuation:
        case WebSocketOpcode::kText:
        case WebSocketOpcode::kBinary:
            break;
    }
    in_message_ = !last_;
    delivered_ = last_;
    return last_ ? Event::kMessage : Event::kNeedMore;
}

}  // namespace quorate::http
