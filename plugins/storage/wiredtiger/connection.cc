// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include <cerrno>
#include <string_view>
#include <utility>

namespace quorate::wiredtiger_engine {

namespace {

using plugin::Result;
using plugin::Status;

// WiredTiger's remarks begin with the time and the thread in brackets, and ", ".
std::string_view without_prefix(std::string_view message) {
    while (message.starts_with('[')) {
        const size_t end = message.find(']');
        if (end == std::string_view::npos) {
            break;
        }
        message.remove_prefix(end + 1);
    }
    if (message.starts_with(", ")) {
        message.remove_prefix(2);
    }
    return message;
}

bool is_disk_full(int code) {
    return code == ENOSPC || code == EDQUOT;
}

// WiredTiger's own codes for a store that it can't make sense of. A file that is not there is one
// that its metadata names; damaged metadata brings calls that can't be right.
bool is_damage(int code) {
    return code == WT_PANIC || code == WT_ERROR || code == WT_TRY_SALVAGE || code == WT_NOTFOUND ||
           code == ENOENT || code == EINVAL || code == ENOTSUP;
}

std::string open_config(const Config& config) {
    // The core's log holds what was not synced, so there is none of WiredTiger's: what a crash
    // leaves is the last checkpoint, which shows one moment of the whole store. Between checkpoints
    // the eviction threads write what is dirty, so that a checkpoint has little left to do. A base
    // configuration kept in the directory could contradict this one.
    return "create,config_base=false,log=(enabled=false),statistics=(fast),cache_size=" +
           std::to_string(config.cache_bytes) +
           ",session_max=" + std::to_string(config.views_max + 8) +
           ",eviction=(threads_min=1,threads_max=" + std::to_string(config.eviction_threads) +
           "),eviction_dirty_target=10,eviction_dirty_trigger=40" +
           (config.compress ? ",extensions=[libwiredtiger_snappy.so]" : "");
}

std::string table_config(const Config& config) {
    // Checksums are off by default for pages that are not compressed.
    return "key_format=u,value_format=u,checksum=on,allocation_size=4KB,internal_page_max=16KB,"
           "leaf_page_max=" +
           std::to_string(config.page_bytes) + (config.compress ? ",block_compressor=snappy" : "");
}

}  // namespace

Connection::Connection(std::string dir, const quorate_host& host)
    : dir_(std::move(dir)), host_(host), handler_{{on_error, on_message, nullptr, nullptr}, this} {}

Connection::~Connection() {
    if (connection_ != nullptr) {
        (void)connection_->close(connection_, nullptr);
    }
}

Status Connection::open(const Config& config) {
    sessions_max_ = config.views_max;
    if (const int code = ::wiredtiger_open(dir_.c_str(), &handler_.calls,
                                           open_config(config).c_str(), &connection_);
        code != 0) {
        connection_ = nullptr;
        return status(code);
    }
    Result<WT_SESSION*> session = take_session();
    if (!session) {
        return session.error();
    }
    const int code = (*session)->create(*session, kTable, table_config(config).c_str());
    give_back(*session);
    return status(code);
}

Result<WT_SESSION*> Connection::take_session() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            WT_SESSION* const session = idle_.back();
            idle_.pop_back();
            return session;
        }
        if (sessions_ >= sessions_max_) {
            return Status(QUORATE_RESOURCE_EXHAUSTED,
                          dir_ + ": " + std::to_string(sessions_max_) +
                              " views are open; raise views_max in [storage.wiredtiger]");
        }
        ++sessions_;
    }
    WT_SESSION* session = nullptr;
    const int code =
        connection_->open_session(connection_, nullptr, "isolation=snapshot", &session);
    if (code != 0) {
        const std::lock_guard lock(mutex_);
        --sessions_;
    }
    if (code != 0) {
        return status(code);
    }
    return session;
}

void Connection::give_back(WT_SESSION* session) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(session);
}

Status Connection::status(int code) const {
    if (code == 0) {
        return {};
    }
    const std::lock_guard lock(mutex_);
    const std::string text = dir_ + ": " + (failed_ ? failure_text_ : ::wiredtiger_strerror(code));
    // After a failed write WiredTiger panics, and says of all that follows only that it has.
    if (disk_full_ || is_disk_full(code)) {
        return {QUORATE_RESOURCE_EXHAUSTED, text};
    }
    return {is_damage(code) ? QUORATE_DATA_LOSS : QUORATE_INTERNAL, text};
}

int Connection::on_error(WT_EVENT_HANDLER* handler, WT_SESSION*, int code, const char* message) {
    reinterpret_cast<Handler*>(handler)->self->note_error(code, message);
    return 0;
}

int Connection::on_message(WT_EVENT_HANDLER* handler, WT_SESSION*, const char* message) {
    const quorate_host& host = reinterpret_cast<Handler*>(handler)->self->host_;
    const quorate_log_field field = {plugin::bytes("text"), plugin::bytes(without_prefix(message))};
    host.log(host.ctx, QUORATE_LOG_DEBUG, plugin::bytes("wiredtiger"), &field, 1);
    return 0;
}

void Connection::note_error(int code, const char* message) {
    const std::string_view text = without_prefix(message);
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        disk_full_ = disk_full_ || is_disk_full(code);
        first = std::exchange(failed_, true) == false;
        if (first) {
            failure_text_ = text;
        }
    }
    // What follows the first are its consequences, and dumps of pages.
    const int32_t level = first ? QUORATE_LOG_WARN : QUORATE_LOG_DEBUG;
    const quorate_log_field field = {plugin::bytes("text"), plugin::bytes(text)};
    host_.log(host_.ctx, level, plugin::bytes("wiredtiger"), &field, 1);
}

}  // namespace quorate::wiredtiger_engine
