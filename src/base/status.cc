// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <array>

namespace quorate {

std::string_view code_name(Code code) {
    static constexpr std::array<std::string_view, 17> kNames = {
        "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
        "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
        "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
        "DataLoss", "Unauthenticated"};
    const auto index = static_cast<size_t>(code);
    QUORATE_ASSERT(index < kNames.size());
    return kNames[index];
}

Status Status::from_wire(uint32_t code, std::string text) {
    static constexpr std::array<ErrorDef, 17> kDefs = {{
        {Code::kUnknown, ""},
        {Code::kCanceled, ""},
        {Code::kUnknown, ""},
        {Code::kInvalidArgument, ""},
        {Code::kDeadlineExceeded, ""},
        {Code::kNotFound, ""},
        {Code::kAlreadyExists, ""},
        {Code::kPermissionDenied, ""},
        {Code::kResourceExhausted, ""},
        {Code::kFailedPrecondition, ""},
        {Code::kAborted, ""},
        {Code::kOutOfRange, ""},
        {Code::kUnimplemented, ""},
        {Code::kInternal, ""},
        {Code::kUnavailable, ""},
        {Code::kDataLoss, ""},
        {Code::kUnauthenticated, ""},
    }};
    return {kDefs[code < kDefs.size() ? code : 0], std::move(text)};
}

Status& Status::operator=(const Status& other) {
    def_ = other.def_;
    detail_ = other.detail_ ? std::make_unique<std::string>(*other.detail_) : nullptr;
    return *this;
}

std::string Status::message() const {
    if (def_ == nullptr) {
        return {};
    }
    if (detail_ == nullptr) {
        return std::string(def_->text);
    }
    if (def_->text.empty()) {
        return *detail_;
    }
    return std::string(def_->text) + ": " + *detail_;
}

}  // namespace quorate
