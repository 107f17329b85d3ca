/* SPDX-License-Identifier: Apache-2.0
 *
 * An optional ability of a transport: gRPC calls as a client. A plugin that offers it answers
 * interface_get(QUORATE_TRANSPORT_CLIENT_INTERFACE); its functions work on the same
 * quorate_transport, on the same threads, between start and stop.
 *
 * A connection is a peer's address and how to reach it. dial makes no network traffic: the first
 * call connects, and so does the first call after the connection was lost. Calls that come
 * meanwhile wait for that attempt and share its fate. There is no back-off here: who calls again at
 * once dials again at once. Several addresses of one name are tried in turn. A connection that the
 * peer drains (GOAWAY) finishes its calls while new ones go over a new one.
 *
 * A call has two owners, so neither side can hold what the other has freed:
 *   - `user` is the plugin's from call until on_end returns. on_end is made exactly once for every
 *     call that call accepted, whatever ends it, and is the last callback.
 *   - the quorate_request is the core's from call until close, which it makes exactly once, before
 *     or after on_end. Until then every function takes it; one that comes after the end does
 *     nothing (send says QUORATE_SEND_GONE).
 * Callbacks of one call come from one thread, one after the other. They may come as soon as call
 * was entered, even before it has returned, and while another thread is inside send or any other
 * function for the same call. on_end is never made from inside one of these functions nor from
 * inside another callback, so a callback may call everything, close included, and an on_end may
 * free what other functions on its thread still look at further up the stack. After close only
 * on_end follows, but for a callback that was under way already.
 *
 * The functions for one call are for one thread at a time; different calls, and different
 * connections, are independent. What a thread asks for is on its way at the latest when it calls
 * flush of the transport; a callback needs no flush.
 */
#ifndef QUORATE_PLUGIN_ABI_TRANSPORT_CLIENT_H
#define QUORATE_PLUGIN_ABI_TRANSPORT_CLIENT_H

#include "plugin/abi/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUORATE_TRANSPORT_CLIENT_INTERFACE "quorate.transport.client/0"

typedef struct quorate_connection quorate_connection;
typedef struct quorate_request quorate_request;

/* Borrowed for dial. Where 0 says so, the plugin's option of that name holds. */
typedef struct quorate_dial {
    size_t size;
    /* An address; a name, which is looked up at every attempt; or "unix:" and a path, port 0. */
    quorate_bytes host;
    uint32_t port;
    uint32_t connect_timeout_ms; /* name, connection and handshakes together; at least 1 */
    const quorate_tls* tls;      /* null: plain text */
    uint32_t keepalive_ms;       /* with calls open, silence that is answered with a ping; 0: off */
    uint32_t keepalive_timeout_ms; /* how long the ping may stay unanswered; at least 1 */
    uint64_t receive_bytes_max;    /* one message; 0: max_receive_bytes */
    uint64_t send_buffer_bytes;    /* per call, busy beyond it; 0: send_buffer_bytes */
    uint32_t stream_window_bytes; /* what may be under way to us per call; 0: stream_window_bytes */
    uint32_t connection_window_bytes; /* and per connection; 0: connection_window_bytes */
    /* An IP address of this machine that connections come from; empty: the system chooses. Not for
     * sockets with a path. Addresses of the other family can't be reached from it. */
    quorate_bytes local_address;
} quorate_dial;

/* Borrowed for call. */
typedef struct quorate_call_start {
    size_t size;
    quorate_bytes path;            /* "/package.Service/Method" */
    const quorate_header* headers; /* lower-case names; content-type, te, user-agent are set */
    size_t header_count;
    uint64_t timeout_ms; /* from now; the peer is told, and we end the call as well; 0: none */
} quorate_call_start;

/* How a call ended, borrowed for on_end. */
typedef struct quorate_call_end {
    size_t size;
    quorate_code code; /* the peer's, or QUORATE_UNAVAILABLE, _CANCELLED, _DEADLINE_EXCEEDED, ... */
    uint32_t never_sent; /* 1: the peer's side has not begun the call, so it may be made again */
    quorate_bytes text;  /* names host:port and the reason where the connection failed */
} quorate_call_end;

/* What the plugin calls. All [plugin]; they return soon and never block. */
typedef struct quorate_client_events {
    size_t size;
    void (*on_message)(void* user, quorate_bytes message_borrowed) QUORATE_NOEXCEPT;
    /* After QUORATE_SEND_BUSY: there is room again. */
    void (*on_writable)(void* user) QUORATE_NOEXCEPT;
    /* Exactly once, last; see above. */
    void (*on_end)(void* user, const quorate_call_end* end_borrowed) QUORATE_NOEXCEPT;
} quorate_client_events;

typedef struct quorate_transport_client_interface {
    size_t size;
    /* [any] Checks the settings and reads the TLS files, so it can fail, but touches no network.
     * `events` outlives the transport. */
    quorate_code (*dial)(quorate_transport* self, const quorate_dial* where,
                         const quorate_client_events* events, quorate_connection** ret_connection,
                         quorate_error* err) QUORATE_NOEXCEPT;
    /* [any] Ends the connection's calls as cancelled. The handle is the plugin's again: no call on
     * it during or after this. Once per dial, before destroy. */
    void (*hang_up)(quorate_connection* connection) QUORATE_NOEXCEPT;

    /* [any] Begins a call. *ret_request is written before the first callback can come.
     * QUORATE_UNAVAILABLE when the transport does not run; no callback follows then. */
    quorate_code (*call)(quorate_connection* connection, const quorate_call_start* start,
                         void* user, quorate_request** ret_request) QUORATE_NOEXCEPT;
    /* [any] One message, copied. Never blocks. QUORATE_SEND_. */
    int32_t (*send)(quorate_request* request, quorate_bytes message) QUORATE_NOEXCEPT;
    /* [any] No message follows; answers still come. */
    void (*half_close)(quorate_request* request) QUORATE_NOEXCEPT;
    /* [any] Stops, or resumes, on_message: the peer's window closes. The end waits, too, if
     * messages came before it. */
    void (*hold)(quorate_request* request, int32_t held) QUORATE_NOEXCEPT;
    /* [any] Cancels the call if it has not ended. The handle is the plugin's again. */
    void (*close)(quorate_request* request) QUORATE_NOEXCEPT;
} quorate_transport_client_interface;

#ifdef __cplusplus
}
#endif

#endif
