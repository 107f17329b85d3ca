// SPDX-License-Identifier: Apache-2.0
//
// JsonWriter: just enough JSON for a result file. The caller opens and closes in the right order.
// A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::load {

class JsonWriter {
  public:
    void open_object(std::string_view key = {});
    void close_object();
    void open_array(std::string_view key = {});
    void close_array();
    void field(std::string_view key, std::string_view value);
    void field(std::string_view key, double value);
    void field(std::string_view key, uint64_t value);

    const std::string& text() const { return out_; }

  private:
    void begin(std::string_view key);
    void quote(std::string_view text);

    std::string out_;
    bool first_ = true;  // nothing yet in the innermost object or array
};

}  // namespace quorate::load
