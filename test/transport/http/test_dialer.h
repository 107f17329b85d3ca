// SPDX-License-Identifier: Apache-2.0
//
// TestDialer: the core's side of the client ABI for tests, over the transport of a TestServer. What
// happened to each call is recorded, and the contract is checked while it is: the end comes once
// and last.
#pragma once

#include "plugin/abi/transport_client.h"
#include "transport/http/test_core.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::http::testing {

const quorate_transport_client_interface& client_table();

class TestDialer;

struct End {
    quorate_code code;
    std::string text;
    bool never_sent;
};

// One made call. The fields are read under TestDialer::wait or after the end.
struct TestRequest {
    TestDialer* dialer = nullptr;
    quorate_request* handle = nullptr;
    bool keeps_messages = true;
    std::vector<std::string> messages = {};
    uint64_t message_count = 0;
    uint64_t message_bytes = 0;
    int writable = 0;
    std::optional<End> end = {};
    bool closed = false;  // guards "exactly once"

    // What a test does in a callback, on the transport's thread.
    std::function<void(TestRequest&, std::string_view)> on_message = {};
    std::function<void(TestRequest&)> on_writable = {};
    std::function<void(TestRequest&)> on_end = {};

    // Without the flush that another thread than the transport's owes.
    int32_t send(std::string_view message);
    void half_close();
    void hold(bool held);
    void close();
};

struct Dial {
    std::string host = "127.0.0.1";
    uint32_t port = 0;
    uint32_t connect_timeout_ms = 10000;
    uint32_t keepalive_ms = 0;
    uint32_t keepalive_timeout_ms = 1000;
    uint64_t receive_bytes_max = 0;
    uint64_t send_buffer_bytes = 0;
    uint32_t stream_window_bytes = 0;
    uint32_t connection_window_bytes = 0;
    std::string local_address = {};
    bool tls = false;
    std::string cert_file = {};
    std::string key_file = {};
    std::string ca_file = {};
    std::string server_name = {};
    uint32_t skip_verify = 0;
    std::string allowed_common_names = {};
    uint32_t version_max = 0;
    std::string cipher_suites = {};
};

struct CallOptions {
    uint64_t timeout_ms = 0;
    std::vector<std::pair<std::string, std::string>> headers = {};
};

class TestDialer {
  public:
    // Fails the test when the dial is refused.
    TestDialer(TestServer& server, const Dial& dial);
    ~TestDialer();

    // The error's text of a dial that must be refused.
    static std::string refused(TestServer& server, const Dial& dial);

    using Prepare = std::function<void(TestRequest&)>;
    // Begins a call; `prepare` may set its callbacks before.
    TestRequest& call(const std::string& path, const CallOptions& options = {},
                      const Prepare& prepare = {});
    // A unary call: sends, half-closes and waits for the end.
    TestRequest& ask(const std::string& path, std::string_view message,
                     const CallOptions& options = {});
    // Whether a call is accepted; one that is is closed at once.
    bool accepts_calls();
    // Waits until `met` holds; it is asked under the lock, after every event.
    bool wait(const std::function<bool()>& met);
    const End& wait_end(TestRequest& request);
    void flush();
    void hang_up();

  private:
    friend struct TestRequest;

    static const quorate_client_events& events();
    static void on_message(void* user, quorate_bytes message) noexcept;
    static void on_writable(void* user) noexcept;
    static void on_end(void* user, const quorate_call_end* end) noexcept;
    void record(const std::function<void()>& change);

    TestServer& server_;
    quorate_connection* connection_ = nullptr;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<TestRequest> requests_;
};

}  // namespace quorate::http::testing
