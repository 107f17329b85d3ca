// SPDX-License-Identifier: Apache-2.0
//
// A request as a log shows it: key:"a" value_size:3. What users keep in the store, and their
// passwords, are shown as their sizes. Pure, any thread.
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>

namespace quorate::wire {

// Longer ones are cut.
inline constexpr size_t kMessageTextBytesMax = 1024;

std::string message_text(const google::protobuf::Message& message);

}  // namespace quorate::wire
