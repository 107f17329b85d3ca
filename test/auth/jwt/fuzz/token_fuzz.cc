// SPDX-License-Identifier: Apache-2.0
//
// What a token can say. The first line is shown as a token as it is; the second and third are a
// header and claims that get a right signature, so that their parsers are reached.
#include "plugins/auth/jwt/base64url.h"
#include "plugins/auth/jwt/provider.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace jwt = quorate::auth_jwt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void require(bool fact) {
    if (!fact) {
        std::abort();
    }
}

const jwt::Method& method() {
    return *jwt::find_method("HS256");
}

const jwt::Key& key() {
    static auto loaded = jwt::Key::load({&method(), "", JWT_SECRET, 1000});
    require(loaded.has_value());
    return **loaded;
}

// Up to the next line feed; the last line has the rest.
std::string_view take_line(std::string_view& rest, bool last) {
    const size_t end = last ? rest.size() : std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const std::string_view raw = take_line(rest, false);
    const std::string_view header = take_line(rest, false);
    const std::string_view claims = take_line(rest, true);

    // One that holds was signed with the key: what is in front of the signature gives it again.
    if (jwt::open_token(key(), method(), raw)) {
        const std::string_view input = raw.substr(0, raw.rfind('.'));
        auto signature = key().sign(input);
        require(signature.has_value());
        require(raw.substr(input.size() + 1) == jwt::to_base64url(*signature));
    }

    const std::string input = jwt::to_base64url(header) + '.' + jwt::to_base64url(claims);
    auto signature = key().sign(input);
    require(signature.has_value());
    const auto opened =
        jwt::open_token(key(), method(), input + '.' + jwt::to_base64url(*signature));
    if (opened) {
        require(!opened->user.empty());
        require(jwt::is_header_for(header, "HS256"));
        // Written again, it says the same.
        const auto again = jwt::read_claims(jwt::write_claims(*opened));
        require(!again || again->user == opened->user);
    }
    return 0;
}
