/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport: listens, speaks the protocols, and moves whole messages. It knows paths, metadata
 * and bytes; what the bytes mean is the core's business.
 *
 * A call is one gRPC call or one HTTP request. It begins with on_call and lives until both sides
 * are done with it: the core has called finish exactly once, and the plugin has made its last
 * callback for it. The handle stays valid until finish even when the peer is long gone (send then
 * answers QUORATE_SEND_GONE), so an answer that comes late is harmless.
 *
 * Callbacks for one call come from one thread and in order: on_call, on_message*, on_half_close,
 * and on_cancel at most once at any moment after on_call. None follows on_cancel, and none is made
 * after finish except where one was already under way on the plugin's thread: the core keeps what
 * `user` points to until on_released, which is the last callback of every call.
 */
#ifndef QUORATE_PLUGIN_ABI_TRANSPORT_H
#define QUORATE_PLUGIN_ABI_TRANSPORT_H

#include "plugin/abi/common.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUORATE_TRANSPORT_INTERFACE "quorate.transport/0"

typedef struct quorate_transport quorate_transport;
typedef struct quorate_call quorate_call;

#define QUORATE_PROTOCOL_GRPC UINT32_C(1)
#define QUORATE_PROTOCOL_HTTP UINT32_C(2)

typedef struct quorate_header {
    quorate_bytes name; /* lower case */
    quorate_bytes value;
} quorate_header;

/* Borrowed for on_call. */
typedef struct quorate_call_info {
    size_t size;
    uint32_t protocol;    /* QUORATE_PROTOCOL_ */
    uint32_t listener;    /* the id that listen returned */
    quorate_bytes method; /* "POST" for gRPC */
    quorate_bytes path;   /* gRPC: "/package.Service/Method"; HTTP: path with query as it came */
    quorate_bytes authority;
    quorate_bytes peer;            /* "127.0.0.1:40312", for logs */
    quorate_bytes tls_common_name; /* of a verified client certificate, else empty */
    const quorate_header* headers; /* without pseudo-headers and what the transport itself uses */
    size_t header_count;
} quorate_call_info;

#define QUORATE_CANCEL_PEER UINT32_C(1)     /* reset by the peer, or the connection is gone */
#define QUORATE_CANCEL_DEADLINE UINT32_C(2) /* grpc-timeout has passed; the peer has been told */
#define QUORATE_CANCEL_SHUTDOWN UINT32_C(3) /* stop() ended the call */

/* What the plugin calls. All [plugin]; they return soon and never block, but for on_turn_end. */
typedef struct quorate_transport_events {
    size_t size;
    void* ctx;
    /* Returns the core's pointer for this call, handed back as `user`. Null refuses the call, which
     * the core has then already finished. */
    void* (*on_call)(void* ctx, quorate_call* call,
                     const quorate_call_info* info_borrowed)QUORATE_NOEXCEPT;
    /* One whole gRPC message, or the whole body of an HTTP request (once, possibly empty), or one
     * message of a WebSocket. */
    void (*on_message)(void* user, quorate_bytes message_borrowed) QUORATE_NOEXCEPT;
    /* The peer sends no more. */
    void (*on_half_close)(void* user) QUORATE_NOEXCEPT;
    void (*on_cancel)(void* user, uint32_t reason) QUORATE_NOEXCEPT;
    /* After QUORATE_SEND_BUSY: there is room again. */
    void (*on_writable)(void* user) QUORATE_NOEXCEPT;
    /* The last callback: nothing of the plugin's refers to `user` any more. */
    void (*on_released)(void* user) QUORATE_NOEXCEPT;
    /* The calling thread has handed out what it had received, and sends what was answered when this
     * returns. Null: nobody listens. The only one that may work for a while, as much as the disk
     * takes for one write. */
    void (*on_turn_end)(void* ctx) QUORATE_NOEXCEPT;
} quorate_transport_events;

#define QUORATE_SERVE_GRPC UINT32_C(1)
#define QUORATE_SERVE_HTTP UINT32_C(2)

/* TLS for one listener or one dialled connection. All files are PEM. */
typedef struct quorate_tls {
    size_t size;
    quorate_bytes cert_file; /* ours, with its chain; a client may have none */
    quorate_bytes key_file;
    /* Who may sign the peer's certificate. Listener: not empty, client certificates are verified
     * and required. Client: empty, the system's own store. */
    quorate_bytes ca_file;
    quorate_bytes server_name; /* client: the name to verify and to ask for; empty: the host */
    uint32_t skip_verify;      /* client: 1 takes any certificate */
    uint32_t reserved;
    /* What the peer's certificate must be besides being signed; needs ca_file. Lists have one entry
     * a line, and empty ones allow all. */
    quorate_bytes crl_file; /* revocation lists, PEM or DER */
    quorate_bytes allowed_common_names;
    quorate_bytes allowed_host_names; /* one of its names, wildcards included, must be for one */
    quorate_bytes cipher_suites;      /* for TLS 1.2, by IANA's names, one a line; empty: ours */
    uint32_t version_min;             /* QUORATE_TLS_; 0: TLS 1.2 */
    uint32_t version_max;             /* QUORATE_TLS_; 0: the newest */
    /* Listener: 1: a certificate with names must have one for the address that it comes from. */
    uint32_t check_address;
    uint32_t reserved2;
} quorate_tls;

#define QUORATE_TLS_1_2 UINT32_C(0x0303)
#define QUORATE_TLS_1_3 UINT32_C(0x0304)

/* Borrowed for listen. Where 0 says so, the plugin's option of that name holds. */
typedef struct quorate_listen {
    size_t size;
    quorate_bytes host;               /* an address, "localhost", or "unix:" and a path */
    uint32_t port;                    /* 0 picks one; of a path it must be 0 */
    uint32_t serve;                   /* QUORATE_SERVE_ bits */
    const quorate_tls* tls;           /* null: plain text */
    uint64_t receive_bytes_max;       /* one gRPC message; 0: max_receive_bytes */
    uint32_t stream_window_bytes;     /* under way to us per stream; 0: stream_window_bytes */
    uint32_t connection_window_bytes; /* and per connection; 0: connection_window_bytes */
    uint32_t keepalive_min_time_ms;   /* peers may ping so often; 0: keepalive_min_time */
    uint32_t uncounted;               /* 1: quorate_transport_stats leaves it out */
    quorate_bytes name;               /* whose endpoint it is, for logs: "client", "peer" */
    uint32_t plain_too;               /* 1: with tls, plain text as well; the first byte tells */
    uint32_t reserved;                /* 0 */
} quorate_listen;

typedef struct quorate_listening {
    size_t size;
    uint32_t id;   /* quorate_call_info.listener */
    uint32_t port; /* the real one */
} quorate_listening;

#define QUORATE_SEND_OK 0
#define QUORATE_SEND_BUSY 1 /* taken, but the bound is reached: wait for on_writable */
#define QUORATE_SEND_GONE 2 /* not taken: the call has ended on the peer's side */

typedef struct quorate_transport_stats {
    size_t size;
    uint64_t received_bytes; /* gRPC payload of client connections, as etcd counts it */
    uint64_t sent_bytes;
    uint64_t connections;
    uint64_t streams;
} quorate_transport_stats;

typedef struct quorate_transport_interface {
    size_t size;
    /* [start-stop] Options: see the plugin's section in conf/quorate.conf. */
    quorate_code (*create)(const quorate_transport_events* events, const quorate_option* options,
                           size_t option_count, quorate_transport** ret_transport,
                           quorate_error* err) QUORATE_NOEXCEPT;
    /* [start-stop] Accepts a transport that was never started. */
    void (*destroy)(quorate_transport* self) QUORATE_NOEXCEPT;
    /* [start-stop] Binds at once; connections are answered after start. */
    quorate_code (*listen)(quorate_transport* self, const quorate_listen* where,
                           quorate_listening* ret_listening, quorate_error* err) QUORATE_NOEXCEPT;
    /* [start-stop] */
    quorate_code (*start)(quorate_transport* self, quorate_error* err) QUORATE_NOEXCEPT;
    /* [start-stop] Stops accepting, sends GOAWAY, gives calls up to drain_ms to end, then cancels
     * the rest and joins its threads. */
    void (*stop)(quorate_transport* self, uint32_t drain_ms) QUORATE_NOEXCEPT;

    /* [any] One gRPC message, or a piece of an HTTP body. Copies. One thread at a time per call.
     * Goes out at the latest when that thread calls flush. */
    int32_t (*send)(quorate_call* call, quorate_bytes message) QUORATE_NOEXCEPT;
    /* [any] HTTP only, before the first send: status and headers. Without it, 200. From within
     * on_call of a request with the header "upgrade: websocket", 101 makes the connection a
     * WebSocket, where the plugin can: each message of the peer is then one on_message, and what is
     * sent goes out as a message for each line, without its newline. */
    void (*respond)(quorate_call* call, uint32_t http_status, const quorate_header* headers,
                    size_t header_count) QUORATE_NOEXCEPT;
    /* [any] Ends the call, exactly once. gRPC: status code and text in the trailers; a non-zero
     * code without a message before it is a trailers-only answer. HTTP: ends the body; code and
     * text are not sent. The handle is the plugin's again. */
    void (*finish)(quorate_call* call, quorate_code code, quorate_bytes text) QUORATE_NOEXCEPT;
    /* [any] send of one message and finish with code 0 in one step, for unary answers. */
    void (*reply)(quorate_call* call, quorate_bytes message) QUORATE_NOEXCEPT;
    /* [any] Stops, or resumes, on_message for the call: the peer's window closes. */
    void (*hold)(quorate_call* call, int32_t held) QUORATE_NOEXCEPT;
    /* [any] The end of a turn: what this thread has sent is on its way when this returns. */
    void (*flush)(quorate_transport* self) QUORATE_NOEXCEPT;
    /* [any] */
    void (*stats)(quorate_transport* self, quorate_transport_stats* ret_stats) QUORATE_NOEXCEPT;
    /* [any] Reads all TLS files again, of listeners and of dialled connections. What is new holds
     * for the handshakes that follow; connections that are there stay. Files that can't be used are
     * named in err, and what was read from them before stays. The plugin also looks for changed
     * files by itself. */
    quorate_code (*reload)(quorate_transport* self, quorate_error* err) QUORATE_NOEXCEPT;
} quorate_transport_interface;

#ifdef __cplusplus
}
#endif

#endif
