// SPDX-License-Identifier: Apache-2.0
#include "base/url.h"

#include <gtest/gtest.h>

namespace quorate {
namespace {

TEST(Url, ReadsEachKind) {
    const Result<Url> plain = Url::parse(" http://localhost:2379 ");
    ASSERT_TRUE(plain.has_value());
    EXPECT_EQ(plain->scheme, Url::Scheme::kHttp);
    EXPECT_EQ(plain->host, "localhost");
    EXPECT_EQ(plain->port, 2379);
    EXPECT_FALSE(plain->is_tls());
    EXPECT_FALSE(plain->has_ip());

    const Result<Url> secure = Url::parse("HTTPS://[::1]:443");
    ASSERT_TRUE(secure.has_value());
    EXPECT_EQ(secure->host, "::1");
    EXPECT_TRUE(secure->is_tls());
    EXPECT_TRUE(secure->has_ip());

    const Result<Url> socket = Url::parse("unix:///run/q.sock");
    ASSERT_TRUE(socket.has_value());
    EXPECT_TRUE(socket->is_unix());
    EXPECT_EQ(socket->address(), "/run/q.sock");
    EXPECT_FALSE(socket->is_tls());

    const Result<Url> short_form = Url::parse("unixs:/run/q.sock");
    ASSERT_TRUE(short_form.has_value());
    EXPECT_EQ(short_form->address(), "/run/q.sock");
    EXPECT_TRUE(short_form->is_tls());
}

TEST(Url, WritesWhatItRead) {
    for (const std::string_view text :
         {"http://localhost:2379", "https://10.0.0.1:1", "http://[fe80::1]:2380",
          "unix:///run/q.sock", "unixs://localhost:m10", "http://:2379",
          "http://a_b.example-1:0"}) {
        const Result<Url> url = Url::parse(text);
        ASSERT_TRUE(url.has_value()) << text << ": " << url.error().message();
        EXPECT_EQ(url->to_string(), text);
    }
}

struct Failure {
    std::string_view text;
    std::string_view message;
};

TEST(Url, RefusesWithEtcdsTexts) {
    const Failure failures[] = {
        {"://127.0.0.1:2379", "missing protocol scheme: ://127.0.0.1:2379"},
        {"127.0.0.1:2379", "first path segment in URL cannot contain colon: 127.0.0.1:2379"},
        {"localhost:2379", "URL scheme must be http, https, unix, or unixs: localhost:2379"},
        {"mailto://127.0.0.1:2379",
         "URL scheme must be http, https, unix, or unixs: mailto://127.0.0.1:2379"},
        {"/tmp/x", "URL scheme must be http, https, unix, or unixs: /tmp/x"},
        {"", "URL scheme must be http, https, unix, or unixs: "},
        {"http://127.0.0.1", "URL address does not have the form \"host:port\": http://127.0.0.1"},
        {"http:127.0.0.1:1", "URL address does not have the form \"host:port\": http:127.0.0.1:1"},
        {"http://h:65536", "URL address does not have the form \"host:port\": http://h:65536"},
        {"http://h:-1", "URL address does not have the form \"host:port\": http://h:-1"},
        {"http://h:1x", "URL address does not have the form \"host:port\": http://h:1x"},
        {"http://::1:2379", "URL address does not have the form \"host:port\": http://::1:2379"},
        {"http://[::1:2379", "URL address does not have the form \"host:port\": http://[::1:2379"},
        {"http://[]:1", "URL address does not have the form \"host:port\": http://[]:1"},
        {"http://[h]:1", "URL address does not have the form \"host:port\": http://[h]:1"},
        {"http://127.0.0.1:2379/", "URL must not contain a path: http://127.0.0.1:2379/"},
        {"http://127.0.0.1:2379/p", "URL must not contain a path: http://127.0.0.1:2379/p"},
        {"http://u@127.0.0.1:2379",
         "URL must not contain a user, a query or a fragment: http://u@127.0.0.1:2379"},
        {"unix://", "URL must contain the path of a socket: unix://"},
        {"http://a b:1", "URL must be printable ASCII without blanks: http://a b:1"},
    };
    for (const Failure& one : failures) {
        const Result<Url> url = Url::parse(one.text);
        ASSERT_FALSE(url.has_value()) << one.text;
        EXPECT_EQ(url.error().message(), one.message);
    }
}

TEST(Url, ListsAreSortedAndUnique) {
    const Result<std::vector<Url>> urls =
        Url::parse_list("http://b:2,http://a:1, http://b:2 ,https://a:1");
    ASSERT_TRUE(urls.has_value());
    EXPECT_EQ(to_strings(*urls),
              (std::vector<std::string>{"http://a:1", "http://b:2", "https://a:1"}));
    EXPECT_FALSE(Url::parse_list("").has_value());
    EXPECT_FALSE(Url::parse_list("http://a:1,").has_value());
}

}  // namespace
}  // namespace quorate
