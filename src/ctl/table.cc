// SPDX-License-Identifier: Apache-2.0
#include "ctl/table.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace quorate::ctl {
namespace {

// In characters, not bytes: names may be in any script.
size_t width_of(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

std::string times(std::string_view what, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
        text += what;
    }
    return text;
}

struct Corners {
    std::string_view left;
    std::string_view middle;
    std::string_view right;
};

std::string rule(const std::vector<size_t>& widths, const Corners& corners) {
    std::string text(corners.left);
    for (size_t i = 0; i < widths.size(); ++i) {
        text += times("─", widths[i] + 2);
        text += i + 1 == widths.size() ? corners.right : corners.middle;
    }
    return text + "\n";
}

std::string title(std::string_view text) {
    std::string shown(text);
    std::transform(shown.begin(), shown.end(), shown.begin(), [](unsigned char c) {
        return c == '_' ? ' ' : static_cast<char>(std::toupper(c));
    });
    return shown;
}

enum class Place : uint8_t { kMiddle, kRight };

std::string row(const std::vector<std::string>& cells, const std::vector<size_t>& widths,
                Place place) {
    std::string text = "│";
    for (size_t i = 0; i < widths.size(); ++i) {
        const std::string& cell = cells[i];
        const size_t room = widths[i] - width_of(cell);
        const size_t left = place == Place::kMiddle ? room / 2 : room;
        text += " " + std::string(left, ' ') + cell + std::string(room - left, ' ') + " │";
    }
    return text + "\n";
}

}  // namespace

std::string Table::draw() const {
    std::vector<std::string> heads;
    std::vector<size_t> widths;
    for (const std::string& one : titles) {
        heads.push_back(title(one));
        widths.push_back(width_of(one));
    }
    for (const auto& cells : rows) {
        for (size_t i = 0; i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(cells[i]));
        }
    }
    std::string text = rule(widths, {"┌", "┬", "┐"}) + row(heads, widths, Place::kMiddle) +
                       rule(widths, {"├", "┼", "┤"});
    for (const auto& cells : rows) {
        text += row(cells, widths, Place::kRight);
    }
    return text + rule(widths, {"└", "┴", "┘"});
}

std::string Table::lines() const {
    std::string text;
    for (const auto& cells : rows) {
        for (size_t i = 0; i < cells.size(); ++i) {
            text += (i == 0 ? "" : ", ") + cells[i];
        }
        text += "\n";
    }
    return text;
}

}  // namespace quorate::ctl
