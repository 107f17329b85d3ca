// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/jwt/claims.h"

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <cmath>
#include <sstream>

namespace quorate::auth_jwt {

namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Object;

constexpr size_t kJsonDepthMax = 16;

// Null when it is no JSON object. What Poco thinks of a text, it says by exceptions.
Object::Ptr parse_object(std::string_view json) {
    try {
        Poco::JSON::Parser parser;
        parser.setDepth(kJsonDepthMax);
        const Var root = parser.parse(std::string(json));
        return root.type() == typeid(Object::Ptr) ? root.extract<Object::Ptr>() : nullptr;
    } catch (const Poco::Exception&) {
        return nullptr;
    }
}

std::optional<std::string> text_at(const Object& object, const std::string& key) {
    const Var value = object.get(key);
    if (value.isEmpty() || !value.isString()) {
        return std::nullopt;
    }
    return value.extract<std::string>();
}

// JSON knows one kind of number, so 5, 5.0 and 5e0 are the same.
std::optional<double> number_at(const Object& object, const std::string& key) {
    const Var value = object.get(key);
    if (value.isEmpty() || !value.isNumeric() || value.isBoolean()) {
        return std::nullopt;
    }
    const double number = value.convert<double>();
    return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

// A date in seconds; nothing when it is there but is none.
std::optional<int64_t> date_at(const Object& object, const std::string& key, int64_t fallback_ms) {
    constexpr double kFarthest_s = 1e15;
    if (!object.has(key)) {
        return fallback_ms;
    }
    const std::optional<double> seconds = number_at(object, key);
    if (!seconds || std::abs(*seconds) > kFarthest_s) {
        return std::nullopt;
    }
    return static_cast<int64_t>(*seconds * 1000);
}

std::string print(const Object& object) {
    std::ostringstream out;
    object.stringify(out);
    return out.str();
}

}  // namespace

std::string write_header(std::string_view method_name) {
    Object header;
    header.set("alg", std::string(method_name));
    header.set("typ", "JWT");
    return print(header);
}

std::string write_claims(const Claims& claims) {
    Object object;
    object.set("exp", claims.expires_ms / 1000);
    object.set("revision", claims.auth_revision);
    object.set("username", claims.user);
    return print(object);
}

bool is_header_for(std::string_view json, std::string_view method_name) {
    const Object::Ptr header = parse_object(json);
    return !header.isNull() && text_at(*header, "alg") == method_name && !header->has("crit");
}

std::optional<Claims> read_claims(std::string_view json) {
    constexpr double kRevisionEnd = 18446744073709551616.0;  // 2^64
    const Object::Ptr object = parse_object(json);
    if (object.isNull()) {
        return std::nullopt;
    }
    const std::optional<std::string> user = text_at(*object, "username");
    const std::optional<double> revision = number_at(*object, "revision");
    const std::optional<int64_t> expires_ms = date_at(*object, "exp", INT64_MAX);
    const std::optional<int64_t> not_before_ms = date_at(*object, "nbf", INT64_MIN);
    if (!user || user->empty() || !revision || !expires_ms || !not_before_ms) {
        return std::nullopt;
    }
    // The first revision is 1, and 0 would be taken for a token that holds at any.
    if (!(*revision >= 1) || *revision >= kRevisionEnd || *revision != std::floor(*revision)) {
        return std::nullopt;
    }
    return Claims{*user, static_cast<uint64_t>(*revision), *expires_ms, *not_before_ms};
}

}  // namespace quorate::auth_jwt
