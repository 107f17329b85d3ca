// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/gzip.h"

#include <zlib.h>

#include <algorithm>

namespace quorate::http {
namespace {

constexpr int kGzipWindowBits = 15 + 16;
constexpr size_t kFirstStepBytes = 16 * 1024;

class Inflater {
  public:
    Inflater() { usable_ = inflateInit2(&stream_, kGzipWindowBits) == Z_OK; }
    ~Inflater() {
        if (usable_) {
            inflateEnd(&stream_);
        }
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    bool usable() const { return usable_; }
    z_stream& stream() { return stream_; }

  private:
    z_stream stream_{};
    bool usable_ = false;
};

}  // namespace

GunzipResult gunzip(std::string_view compressed, uint64_t bytes_max, std::string& out) {
    out.clear();
    Inflater inflater;
    if (!inflater.usable() || compressed.size() > UINT32_MAX) {
        return GunzipResult::kDamaged;
    }
    z_stream& stream = inflater.stream();
    // zlib's interface is not const-correct; it does not write to its input.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());
    for (;;) {
        const size_t filled = out.size();
        // One byte over the bound is enough to see that the message is too large.
        const uint64_t room = bytes_max + 1 - filled;
        const uint64_t step = std::min<uint64_t>(room, std::max(filled, kFirstStepBytes));
        out.resize(filled + static_cast<size_t>(step));
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
        stream.avail_out = static_cast<uInt>(step);
        const int result = inflate(&stream, Z_NO_FLUSH);
        out.resize(filled + static_cast<size_t>(step) - stream.avail_out);
        if (result != Z_OK && result != Z_STREAM_END) {
            return GunzipResult::kDamaged;
        }
        if (out.size() > bytes_max) {
            return GunzipResult::kTooLarge;
        }
        if (result == Z_STREAM_END) {
            return stream.avail_in == 0 ? GunzipResult::kOk : GunzipResult::kDamaged;
        }
        if (stream.avail_in == 0 && stream.avail_out != 0) {
            return GunzipResult::kDamaged;  // cut short
        }
    }
}

}  // namespace quorate::http
