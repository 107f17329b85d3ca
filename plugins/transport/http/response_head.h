// SPDX-License-Identifier: Apache-2.0
//
// ResponseHead: status and headers of an HTTP answer, on their way from the core to its session.
// All headers lie in one block: an answer has several, and each would cost two allocations. Value,
// one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::http {

class ResponseHead {
  public:
    explicit ResponseHead(uint32_t http_status) : status(http_status) {}

    const uint32_t status;

    void add(std::string_view name, std::string_view value) {
        bytes_.append(name).append(value);
        sizes_.push_back({name.size(), value.size()});
    }

    // Calls fn(name, value) for every header, in the order they came.
    template <typename Fn>
    void each(Fn&& fn) const {
        std::string_view rest = bytes_;
        for (const Sizes& sizes : sizes_) {
            fn(rest.substr(0, sizes.name), rest.substr(sizes.name, sizes.value));
            rest.remove_prefix(sizes.name + sizes.value);
        }
    }

  private:
    struct Sizes {
        size_t name;
        size_t value;
    };

    std::string bytes_;
    std::vector<Sizes> sizes_;
};

}  // namespace quorate::http
