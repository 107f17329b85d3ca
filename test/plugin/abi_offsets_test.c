/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of the plugin ABI, as golden numbers: whoever changes one sees it here, and so does
 * whoever reviews it. For 64-bit machines. The headers are C11 and C++20, without extensions; this
 * file is compiled as both, and that it compiles is the test.
 */
#include "plugin/abi/auth.h"
#include "plugin/abi/common.h"
#include "plugin/abi/storage.h"
#include "plugin/abi/transport.h"
#include "plugin/abi/transport_client.h"

#ifdef __cplusplus
#define CHECK(condition) static_assert(condition, #condition)
#else
#define CHECK(condition) _Static_assert(condition, #condition)
#endif
#define SIZE(type, bytes) CHECK(sizeof(type) == (bytes))
#define FIELD(type, field, at) CHECK(offsetof(type, field) == (at))

SIZE(quorate_bytes, 16);
FIELD(quorate_bytes, data, 0);
FIELD(quorate_bytes, size, 8);

SIZE(quorate_error, 256);
FIELD(quorate_error, size, 0);
FIELD(quorate_error, code, 8);
FIELD(quorate_error, text, 12);

SIZE(quorate_sink, 16);
FIELD(quorate_sink, ctx, 0);
FIELD(quorate_sink, append, 8);

SIZE(quorate_option, 32);
FIELD(quorate_option, key, 0);
FIELD(quorate_option, value, 16);

SIZE(quorate_log_field, 32);
FIELD(quorate_log_field, key, 0);
FIELD(quorate_log_field, value, 16);

SIZE(quorate_host, 48);
FIELD(quorate_host, size, 0);
FIELD(quorate_host, ctx, 8);
FIELD(quorate_host, log, 16);
FIELD(quorate_host, metric_add, 24);
FIELD(quorate_host, now_ms, 32);
FIELD(quorate_host, unix_ms, 40);

SIZE(quorate_plugin, 80);
FIELD(quorate_plugin, size, 0);
FIELD(quorate_plugin, magic, 8);
FIELD(quorate_plugin, abi_major, 12);
FIELD(quorate_plugin, abi_minor, 16);
FIELD(quorate_plugin, reserved, 20);
FIELD(quorate_plugin, kind, 24);
FIELD(quorate_plugin, name, 32);
FIELD(quorate_plugin, version, 40);
FIELD(quorate_plugin, build_id, 48);
FIELD(quorate_plugin, init, 56);
FIELD(quorate_plugin, deinit, 64);
FIELD(quorate_plugin, interface_get, 72);

SIZE(quorate_auth_settings, 16);
FIELD(quorate_auth_settings, size, 0);
FIELD(quorate_auth_settings, token_ttl_s, 8);
FIELD(quorate_auth_settings, bcrypt_cost, 12);

SIZE(quorate_auth_interface, 88);
FIELD(quorate_auth_interface, size, 0);
FIELD(quorate_auth_interface, create, 8);
FIELD(quorate_auth_interface, destroy, 16);
FIELD(quorate_auth_interface, replicated, 24);
FIELD(quorate_auth_interface, issue, 32);
FIELD(quorate_auth_interface, verify, 40);
FIELD(quorate_auth_interface, install, 48);
FIELD(quorate_auth_interface, forget_user, 56);
FIELD(quorate_auth_interface, forget_all, 64);
FIELD(quorate_auth_interface, hash_password, 72);
FIELD(quorate_auth_interface, check_password, 80);

SIZE(quorate_auth_reload_interface, 16);
FIELD(quorate_auth_reload_interface, size, 0);
FIELD(quorate_auth_reload_interface, reload, 8);

SIZE(quorate_storage_op, 40);
FIELD(quorate_storage_op, kind, 0);
FIELD(quorate_storage_op, hints, 4);
FIELD(quorate_storage_op, key, 8);
FIELD(quorate_storage_op, value, 24);

SIZE(quorate_storage_stats, 24);
FIELD(quorate_storage_stats, size, 0);
FIELD(quorate_storage_stats, disk_bytes, 8);
FIELD(quorate_storage_stats, live_bytes, 16);

SIZE(quorate_storage_interface, 96);
FIELD(quorate_storage_interface, size, 0);
FIELD(quorate_storage_interface, create, 8);
FIELD(quorate_storage_interface, destroy, 16);
FIELD(quorate_storage_interface, view_open, 24);
FIELD(quorate_storage_interface, view_close, 32);
FIELD(quorate_storage_interface, get, 40);
FIELD(quorate_storage_interface, cursor_open, 48);
FIELD(quorate_storage_interface, cursor_next, 56);
FIELD(quorate_storage_interface, cursor_close, 64);
FIELD(quorate_storage_interface, write, 72);
FIELD(quorate_storage_interface, sync, 80);
FIELD(quorate_storage_interface, stats, 88);

SIZE(quorate_storage_checkpoint_interface, 16);
FIELD(quorate_storage_checkpoint_interface, size, 0);
FIELD(quorate_storage_checkpoint_interface, checkpoint, 8);

SIZE(quorate_storage_compact_interface, 16);
FIELD(quorate_storage_compact_interface, size, 0);
FIELD(quorate_storage_compact_interface, compact_range, 8);

SIZE(quorate_header, 32);
FIELD(quorate_header, name, 0);
FIELD(quorate_header, value, 16);

SIZE(quorate_call_info, 112);
FIELD(quorate_call_info, size, 0);
FIELD(quorate_call_info, protocol, 8);
FIELD(quorate_call_info, listener, 12);
FIELD(quorate_call_info, method, 16);
FIELD(quorate_call_info, path, 32);
FIELD(quorate_call_info, authority, 48);
FIELD(quorate_call_info, peer, 64);
FIELD(quorate_call_info, tls_common_name, 80);
FIELD(quorate_call_info, headers, 96);
FIELD(quorate_call_info, header_count, 104);

SIZE(quorate_transport_events, 72);
FIELD(quorate_transport_events, size, 0);
FIELD(quorate_transport_events, ctx, 8);
FIELD(quorate_transport_events, on_call, 16);
FIELD(quorate_transport_events, on_message, 24);
FIELD(quorate_transport_events, on_half_close, 32);
FIELD(quorate_transport_events, on_cancel, 40);
FIELD(quorate_transport_events, on_writable, 48);
FIELD(quorate_transport_events, on_released, 56);
FIELD(quorate_transport_events, on_turn_end, 64);

SIZE(quorate_tls, 160);
FIELD(quorate_tls, size, 0);
FIELD(quorate_tls, cert_file, 8);
FIELD(quorate_tls, key_file, 24);
FIELD(quorate_tls, ca_file, 40);
FIELD(quorate_tls, server_name, 56);
FIELD(quorate_tls, skip_verify, 72);
FIELD(quorate_tls, reserved, 76);
FIELD(quorate_tls, crl_file, 80);
FIELD(quorate_tls, allowed_common_names, 96);
FIELD(quorate_tls, allowed_host_names, 112);
FIELD(quorate_tls, cipher_suites, 128);
FIELD(quorate_tls, version_min, 144);
FIELD(quorate_tls, version_max, 148);
FIELD(quorate_tls, check_address, 152);
FIELD(quorate_tls, reserved2, 156);

SIZE(quorate_listen, 88);
FIELD(quorate_listen, size, 0);
FIELD(quorate_listen, host, 8);
FIELD(quorate_listen, port, 24);
FIELD(quorate_listen, serve, 28);
FIELD(quorate_listen, tls, 32);
FIELD(quorate_listen, receive_bytes_max, 40);
FIELD(quorate_listen, stream_window_bytes, 48);
FIELD(quorate_listen, connection_window_bytes, 52);
FIELD(quorate_listen, keepalive_min_time_ms, 56);
FIELD(quorate_listen, uncounted, 60);
FIELD(quorate_listen, name, 64);
FIELD(quorate_listen, plain_too, 80);

SIZE(quorate_listening, 16);
FIELD(quorate_listening, size, 0);
FIELD(quorate_listening, id, 8);
FIELD(quorate_listening, port, 12);

SIZE(quorate_transport_stats, 40);
FIELD(quorate_transport_stats, size, 0);
FIELD(quorate_transport_stats, received_bytes, 8);
FIELD(quorate_transport_stats, sent_bytes, 16);
FIELD(quorate_transport_stats, connections, 24);
FIELD(quorate_transport_stats, streams, 32);

SIZE(quorate_transport_interface, 112);
FIELD(quorate_transport_interface, size, 0);
FIELD(quorate_transport_interface, create, 8);
FIELD(quorate_transport_interface, destroy, 16);
FIELD(quorate_transport_interface, listen, 24);
FIELD(quorate_transport_interface, start, 32);
FIELD(quorate_transport_interface, stop, 40);
FIELD(quorate_transport_interface, send, 48);
FIELD(quorate_transport_interface, respond, 56);
FIELD(quorate_transport_interface, finish, 64);
FIELD(quorate_transport_interface, reply, 72);
FIELD(quorate_transport_interface, hold, 80);
FIELD(quorate_transport_interface, flush, 88);
FIELD(quorate_transport_interface, stats, 96);
FIELD(quorate_transport_interface, reload, 104);

SIZE(quorate_dial, 88);
FIELD(quorate_dial, size, 0);
FIELD(quorate_dial, host, 8);
FIELD(quorate_dial, port, 24);
FIELD(quorate_dial, connect_timeout_ms, 28);
FIELD(quorate_dial, tls, 32);
FIELD(quorate_dial, keepalive_ms, 40);
FIELD(quorate_dial, keepalive_timeout_ms, 44);
FIELD(quorate_dial, receive_bytes_max, 48);
FIELD(quorate_dial, send_buffer_bytes, 56);
FIELD(quorate_dial, stream_window_bytes, 64);
FIELD(quorate_dial, connection_window_bytes, 68);
FIELD(quorate_dial, local_address, 72);

SIZE(quorate_call_start, 48);
FIELD(quorate_call_start, size, 0);
FIELD(quorate_call_start, path, 8);
FIELD(quorate_call_start, headers, 24);
FIELD(quorate_call_start, header_count, 32);
FIELD(quorate_call_start, timeout_ms, 40);

SIZE(quorate_call_end, 32);
FIELD(quorate_call_end, size, 0);
FIELD(quorate_call_end, code, 8);
FIELD(quorate_call_end, never_sent, 12);
FIELD(quorate_call_end, text, 16);

SIZE(quorate_client_events, 32);
FIELD(quorate_client_events, size, 0);
FIELD(quorate_client_events, on_message, 8);
FIELD(quorate_client_events, on_writable, 16);
FIELD(quorate_client_events, on_end, 24);

SIZE(quorate_transport_client_interface, 64);
FIELD(quorate_transport_client_interface, size, 0);
FIELD(quorate_transport_client_interface, dial, 8);
FIELD(quorate_transport_client_interface, hang_up, 16);
FIELD(quorate_transport_client_interface, call, 24);
FIELD(quorate_transport_client_interface, send, 32);
FIELD(quorate_transport_client_interface, half_close, 40);
FIELD(quorate_transport_client_interface, hold, 48);
FIELD(quorate_transport_client_interface, close, 56);

CHECK(QUORATE_OK == 0);
CHECK(QUORATE_CANCELLED == 1);
CHECK(QUORATE_UNKNOWN == 2);
CHECK(QUORATE_DEADLINE_EXCEEDED == 4);
CHECK(QUORATE_UNAVAILABLE == 14);
CHECK(QUORATE_INVALID_ARGUMENT == 3);
CHECK(QUORATE_NOT_FOUND == 5);
CHECK(QUORATE_RESOURCE_EXHAUSTED == 8);
CHECK(QUORATE_FAILED_PRECONDITION == 9);
CHECK(QUORATE_UNIMPLEMENTED == 12);
CHECK(QUORATE_INTERNAL == 13);
CHECK(QUORATE_DATA_LOSS == 15);
CHECK(QUORATE_ABI_MAJOR == 1);
CHECK(QUORATE_ABI_MINOR == 0);
CHECK(QUORATE_STORAGE_PUT == 1);
CHECK(QUORATE_STORAGE_DELETE == 2);
CHECK(QUORATE_STORAGE_DELETE_RANGE == 3);
CHECK(QUORATE_STORAGE_WRITE_SYNC == 1);
CHECK(QUORATE_STORAGE_CURSOR_REVERSE == 1);
CHECK(QUORATE_PROTOCOL_GRPC == 1);
CHECK(QUORATE_PROTOCOL_HTTP == 2);
CHECK(QUORATE_CANCEL_PEER == 1);
CHECK(QUORATE_CANCEL_DEADLINE == 2);
CHECK(QUORATE_CANCEL_SHUTDOWN == 3);
CHECK(QUORATE_SERVE_GRPC == 1);
CHECK(QUORATE_SERVE_HTTP == 2);
CHECK(QUORATE_TLS_1_2 == 0x0303);
CHECK(QUORATE_TLS_1_3 == 0x0304);
CHECK(QUORATE_SEND_OK == 0);
CHECK(QUORATE_SEND_BUSY == 1);
CHECK(QUORATE_SEND_GONE == 2);

int main(void) {
    return 0;
}
