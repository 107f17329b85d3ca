// SPDX-License-Identifier: Apache-2.0
//
// Decompression of one gzip message, bounded so that a small message can't become a large one.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::http {

enum class GunzipResult : uint8_t { kOk, kTooLarge, kDamaged };

// Replaces `out`, which never grows beyond `bytes_max`.
GunzipResult gunzip(std::string_view compressed, uint64_t bytes_max, std::string& out);

}  // namespace quorate::http
