// SPDX-License-Identifier: Apache-2.0
#include "util/report.h"

#include "base/errors.h"
#include "base/log_line.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <span>

namespace quorate::util {
namespace {

const std::string& shown(const ReportItem& item) {
    return item.shown.empty() ? item.value : item.shown;
}

std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return out;
}

std::string render_json(const std::vector<ReportItem>& items) {
    std::string text = "{";
    for (const ReportItem& item : items) {
        text += (text.size() == 1 ? "\"" : ",\"") + std::string(item.key) + "\":";
        if (item.is_text) {
            text += '"';
            log::append_escaped(text, item.value);
            text += '"';
        } else {
            text += item.value;
        }
    }
    return text + "}\n";
}

// Titles stand in the middle of their columns, values on the right.
std::string render_table(const std::vector<ReportItem>& items) {
    std::string frame = "+";
    std::string titles = "|";
    std::string values = "|";
    for (const ReportItem& item : items) {
        const std::string& value = shown(item);
        const size_t width = std::max(item.title.size(), value.size());
        const size_t left = (width - item.title.size()) / 2;
        frame += std::string(width + 2, '-') + "+";
        titles += " " + std::string(left, ' ') + upper(item.title) +
                  std::string(width - left - item.title.size(), ' ') + " |";
        values += " " + std::string(width - value.size(), ' ') + value + " |";
    }
    return frame + "\n" + titles + "\n" + frame + "\n" + values + "\n" + frame + "\n";
}

}  // namespace

Result<Format> format_of(const Invocation& invocation) {
    constexpr std::pair<std::string_view, Format> kFormats[] = {{"simple", Format::kSimple},
                                                                {"json", Format::kJson},
                                                                {"table", Format::kTable},
                                                                {"fields", Format::kFields}};
    const std::string_view name = invocation.text("write-out", "simple");
    for (const auto& [known, format] : kFormats) {
        if (name == known) {
            return format;
        }
    }
    return Status(errors::kUsage, "invalid value \"" + std::string(name) +
                                      "\" for --write-out: must be simple, json, table or fields");
}

std::string render(Format format, const std::vector<ReportItem>& items) {
    std::string text;
    switch (format) {
        case Format::kSimple:
            for (const ReportItem& item : items) {
                text += (text.empty() ? "" : ", ") + shown(item);
            }
            return text + "\n";
        case Format::kFields:
            for (const ReportItem& item : items) {
                text += "\"" + std::string(item.label) + "\" : " + item.value + "\n";
            }
            return text;
        case Format::kJson:
            return render_json(items);
        case Format::kTable:
            return render_table(items);
    }
    return text;
}

void print(Format format, const std::vector<ReportItem>& items) {
    std::fputs(render(format, items).c_str(), stdout);
}

}  // namespace quorate::util
