// SPDX-License-Identifier: Apache-2.0
//
// TestCore: the core's side of the transport ABI for tests. What each path does is a script; what
// happened to each call is recorded. TestServer: a transport that serves one.
#pragma once

#include "plugin/abi/transport.h"
#include "plugin/cxx/barrier.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" const quorate_plugin* quorate_plugin_entry();

namespace quorate::http::testing {

const quorate_transport_interface& table();

// How long a test waits for what must come. Reaching it is a failure, never a result.
inline constexpr std::chrono::seconds kPatience{30};

class TestCore;

// One call as the core sees it. The fields are read under TestCore::wait or after the server has
// stopped; handle is used like any core would.
struct TestCall {
    TestCore* core = nullptr;
    quorate_call* handle = nullptr;
    uint32_t protocol = 0;
    uint32_t listener = 0;
    std::string method;
    std::string path;
    std::string authority;
    std::string peer;
    std::string tls_common_name;
    std::map<std::string, std::string> headers;
    std::vector<std::string> messages;
    bool half_closed = false;
    std::optional<uint32_t> cancelled;
    int writable = 0;
    bool released = false;
    size_t marks = 0;       // what mark() counts
    bool finished = false;  // by the core; guards "exactly once"

    int32_t send(std::string_view message);
    void reply(std::string_view message);
    void finish(quorate_code code, std::string_view text = {});
    void hold(bool held);
    // A script says that it is through, so that another thread may go on with the call.
    void mark();
    void respond(uint32_t status, std::vector<std::pair<std::string, std::string>> fields);
};

// What a path does. Runs on the transport's thread.
struct Script {
    std::function<void(TestCall&)> on_call;
    std::function<void(TestCall&, std::string_view)> on_message;
    std::function<void(TestCall&)> on_half_close;
    std::function<void(TestCall&)> on_cancel;
    std::function<void(TestCall&)> on_writable;
};

class TestCore {
  public:
    // Scripts are set before the server starts.
    Script& at(const std::string& path) { return scripts_[path]; }
    void at_turn_end(std::function<void()> script) { at_turn_end_ = std::move(script); }

    // Waits until `met` holds; it is asked under the lock, after every event. False when patience
    // has run out.
    bool wait(const std::function<bool()>& met);
    // The n-th call that came, waiting for it.
    TestCall& call(size_t index);
    size_t call_count();
    // Counted without a lock, for tests with very many calls.
    size_t released_count() const { return released_count_.load(); }

    quorate_transport_events events();
    // Finishes what is still open, as a core does before it destroys the transport.
    void finish_all();

  private:
    friend struct TestCall;

    static void* on_call(void* ctx, quorate_call* call, const quorate_call_info* info) noexcept;
    static void on_message(void* user, quorate_bytes message) noexcept;
    static void on_half_close(void* user) noexcept;
    static void on_cancel(void* user, uint32_t reason) noexcept;
    static void on_writable(void* user) noexcept;
    static void on_released(void* user) noexcept;
    static void on_turn_end(void* ctx) noexcept;

    void record(const std::function<void()>& change);
    const Script& script(const TestCall& call) const;

    std::map<std::string, Script> scripts_;
    const Script nothing_{};
    std::function<void()> at_turn_end_ = [] {};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<TestCall> calls_;
    std::atomic<size_t> released_count_{0};
};

// The host's services: a clock that tests may take over, and the log lines.
class TestHost {
  public:
    TestHost();
    const quorate_host& table() const { return host_; }
    // From now on time stands still but for advance().
    void freeze();
    void advance(int64_t ms) { frozen_ms_.fetch_add(ms); }
    bool logged(std::string_view text);
    // How many lines hold it.
    size_t count(std::string_view text);
    // Waits for it.
    bool comes_to_log(std::string_view text);

  private:
    static void log(void* ctx, int32_t level, quorate_bytes message,
                    const quorate_log_field* fields, size_t field_count) noexcept;
    static int64_t now_ms(void* ctx) noexcept;

    quorate_host host_;
    std::atomic<int64_t> frozen_ms_{-1};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string lines_;
};

struct Listen {
    std::string host = "127.0.0.1";
    uint32_t serve = QUORATE_SERVE_GRPC | QUORATE_SERVE_HTTP;
    std::string cert_file = {};  // not empty: TLS
    std::string key_file = {};
    std::string client_ca_file = {};
    std::string crl_file = {};
    std::string allowed_common_names = {};
    std::string allowed_host_names = {};
    std::string cipher_suites = {};
    uint32_t version_min = 0;
    uint32_t version_max = 0;
    uint32_t check_address = 0;
    std::string name = {};
    uint32_t port = 0;
    // 0: the option's.
    uint64_t receive_bytes_max = 0;
    uint32_t stream_window_bytes = 0;
    uint32_t connection_window_bytes = 0;
    uint32_t keepalive_min_time_ms = 0;
    uint32_t uncounted = 0;
};

class TestServer {
  public:
    using Options = std::vector<std::pair<std::string, std::string>>;

    explicit TestServer(TestCore& core, const Options& options = {}, const Listen& listen = {});
    ~TestServer();

    TestHost& host() { return host_; }
    uint16_t port() const { return port_; }
    quorate_transport* handle() { return transport_; }
    void stop(uint32_t drain_ms = 0);
    quorate_transport_stats stats();
    // The error's text, empty when all went well.
    std::string reload();
    // The text of the error that a listener with these settings is refused with.
    static std::string refused(TestCore& core, const Listen& listen);

  private:
    TestCore& core_;
    TestHost host_;
    quorate_transport* transport_ = nullptr;
    uint16_t port_ = 0;
    bool stopped_ = false;
};

}  // namespace quorate::http::testing
