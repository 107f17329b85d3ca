// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/host.h"

#include <array>

namespace quorate::http {

void Host::log(int32_t level, std::string_view message,
               std::initializer_list<LogField> fields) const {
    constexpr size_t kFieldsMax = 8;
    std::array<quorate_log_field, kFieldsMax> converted{};
    size_t count = 0;
    for (const LogField& field : fields) {
        if (count == kFieldsMax) {
            break;
        }
        converted[count++] = {plugin::bytes(field.key), plugin::bytes(field.value)};
    }
    host_.log(host_.ctx, level, plugin::bytes(message), converted.data(), count);
}

}  // namespace quorate::http
