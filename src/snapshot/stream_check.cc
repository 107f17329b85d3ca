// SPDX-License-Identifier: Apache-2.0
#include "snapshot/stream_check.h"

#include "snapshot/page_file.h"

#include <algorithm>

namespace quorate::snapshot {

StreamCheck::StreamCheck(uint64_t file_bytes)
    : file_bytes_(file_bytes), image_bytes_(PageFile::image_bytes_of(file_bytes)) {}

void StreamCheck::add(ByteView piece) {
    const uint64_t image_left = image_bytes_ - std::min(added_, image_bytes_);
    const auto of_image = static_cast<size_t>(std::min<uint64_t>(image_left, piece.size()));
    hash_.update(piece.substr(0, of_image));
    if (added_ < file_bytes_) {
        stored_ += piece.substr(of_image, PageFile::kHashBytes);
    }
    added_ += piece.size();
}

bool StreamCheck::fits() {
    return added_ == file_bytes_ && image_bytes_ != file_bytes_ && hash_.finish() == stored_;
}

}  // namespace quorate::snapshot
