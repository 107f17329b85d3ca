// SPDX-License-Identifier: Apache-2.0
//
// The seam between the core and a transport plugin, in the core's types; the contract is that of
// plugin/abi/transport.h.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "base/url.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quorate::transport {

enum class Protocol : uint8_t { kGrpc = 1, kHttp = 2 };
enum class SendResult : uint8_t { kOk = 0, kBusy = 1, kGone = 2 };
enum class CancelReason : uint8_t { kPeer = 1, kDeadline = 2, kShutdown = 3 };

struct Header {
    ByteView name;
    ByteView value;
};

// Borrowed for the duration of CallSink creation.
struct CallInfo {
    Protocol protocol;
    uint32_t listener;
    ByteView method;
    ByteView path;
    ByteView authority;
    ByteView peer;
    ByteView tls_common_name;
    std::vector<Header> headers;

    // The value of the first header with this lower-case name, or empty.
    ByteView header(ByteView name) const;
};

// The answering side of one call. Move-only; any thread, one at a time. Dropping it unanswered ends
// the call as "unavailable", so no path can leave a client waiting.
class Reply {
  public:
    class Channel;   // what the transport adapter implements
    class Observer;  // who counts answers

    Reply() = default;
    explicit Reply(Channel* channel) : channel_(channel) {}
    Reply(Reply&& other) noexcept
        : channel_(std::exchange(other.channel_, nullptr)), observer_(other.observer_) {}
    Reply& operator=(Reply&& other) noexcept;
    ~Reply();

    explicit operator bool() const { return channel_ != nullptr; }

    // `observer` is there until it is told that the call is finished.
    void observe(Observer* observer) { observer_ = observer; }

    SendResult send(ByteView message);
    // HTTP only, before the first send.
    void respond(uint32_t http_status, const std::vector<Header>& headers);
    // These end the call and leave the Reply empty.
    void finish(const Status& status);
    void reply(ByteView message);
    // Stops or resumes delivery of the peer's messages.
    void hold(bool held);

  private:
    Channel* channel_ = nullptr;
    Observer* observer_ = nullptr;
};

// Any thread, one at a time for one call.
class Reply::Observer {
  public:
    virtual void sent(ByteView message) = 0;
    // The last that it is told; it may delete itself.
    virtual void finished(Code code) = 0;

  protected:
    ~Observer() = default;
};

class Reply::Channel {
  public:
    virtual SendResult send(ByteView message) = 0;
    virtual void respond(uint32_t http_status, const std::vector<Header>& headers) = 0;
    virtual void finish(const Status& status) = 0;
    virtual void reply(ByteView message) = 0;
    virtual void hold(bool held) = 0;

  protected:
    ~Channel() = default;
};

// The receiving side of one call. The transport's thread; destroyed after the call's last callback,
// which may come after the call was answered.
class Call {
  public:
    virtual ~Call() = default;
    virtual void on_message(ByteView message) = 0;
    virtual void on_half_close() {}
    virtual void on_cancel(CancelReason) {}
    virtual void on_writable() {}
};

// Who answers calls. The transport's thread.
class Handler {
  public:
    virtual ~Handler() = default;
    virtual std::unique_ptr<Call> on_call(const CallInfo& info, Reply reply) = 0;
    // This thread has handed out all that it had received, and sends next what was answered.
    virtual void on_turn_end() {}
};

enum class TlsVersion : uint32_t { kDefault = 0, kTls12 = 0x0303, kTls13 = 0x0304 };

// TLS of one listener, or of the calls to one address. Files are PEM, and read again when they
// change.
struct Tls {
    std::string cert_file;  // a client may have none
    std::string key_file;
    std::string ca_file;  // listener: not empty, client certificates are required and verified;
                          // client: empty, the system's own store
    std::string server_name = {};    // client: the name to verify; empty: the host
    bool skip_verification = false;  // client: any certificate will do

    // More that the other side's certificate must be; empty lists allow all. All need ca_file.
    std::string crl_file = {};
    std::vector<std::string> allowed_common_names = {};
    std::vector<std::string> allowed_host_names = {};
    bool check_address = false;  // listener: its names, if any, must be for where it comes from

    std::vector<std::string> cipher_suites = {};  // for TLS 1.2, by IANA's names; empty: default
    TlsVersion version_min = TlsVersion::kDefault;
    TlsVersion version_max = TlsVersion::kDefault;
};

// How ListenOptions and DialOptions call the place of a URL: its host, or "unix:" and a path.
std::string host_of(const Url& url);

// 0 stands for the plugin's own option.
struct ListenOptions {
    std::string host;  // an address, "localhost", or "unix:" and a path
    uint16_t port = 0;
    bool serve_grpc = true;
    bool serve_http = true;
    std::unique_ptr<Tls> tls = nullptr;  // null: plain text
    bool plain_too = false;              // with tls: whatever a connection begins with
    uint64_t receive_bytes_max = 0;      // one gRPC message
    uint32_t stream_window_bytes = 0;
    uint32_t connection_window_bytes = 0;
    uint32_t keepalive_min_time_ms = 0;  // peers may ping so often
    bool counted = true;                 // Stats are of the listeners that are counted
    std::string name = "client";         // whose endpoint it is, for logs
};

struct Listening {
    uint32_t id;
    uint16_t port;
};

struct Stats {
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint64_t connections;
    uint64_t streams;
};

class Client;  // transport/client.h

class Transport {
  public:
    virtual ~Transport() = default;
    virtual Result<Listening> listen(const ListenOptions& options) = 0;  // start-stop thread
    virtual Status start() = 0;                                          // start-stop thread
    virtual void stop(uint32_t drain_ms) = 0;                            // start-stop thread
    // The end of a turn: what this thread has sent goes out. Any thread.
    virtual void flush() = 0;
    virtual Stats stats() const = 0;  // any thread
    // Reads the TLS files again, without dropping connections; what can't be used is named, and
    // what was read from it before stays. Any thread.
    virtual Status reload() = 0;
    // Calls of our own; null when the plugin can't make any. Lives as long as the transport.
    virtual Client* client() = 0;
};

}  // namespace quorate::transport
