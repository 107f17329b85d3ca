// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace quorate::wiredtiger_engine {

namespace {

using plugin::Result;
using plugin::Status;

// Keys have at most 255 bytes, so all of them are before this one, and it is the end of every scan.
constexpr size_t kCountKeyBytes = 256;
// A batch that does not find room in the cache is begun anew so many times.
constexpr int kTriesMax = 100;

constexpr std::array<char, kCountKeyBytes> kCountKey = [] {
    std::array<char, kCountKeyBytes> key{};
    key.fill('\xff');
    return key;
}();

constexpr std::string_view count_key() {
    return {kCountKey.data(), kCountKey.size()};
}

std::string_view upper_bound(std::string_view hi) {
    return hi.empty() ? count_key() : hi;
}

std::string_view raw(const uint64_t& number) {
    return {reinterpret_cast<const char*>(&number), sizeof number};
}
uint64_t number_of(std::string_view text) {
    uint64_t number = 0;
    if (text.size() == sizeof number) {
        std::memcpy(&number, text.data(), sizeof number);
    }
    return number;
}

// Borrowed: `bytes` must live until the cursor has used it.
WT_ITEM item(std::string_view bytes) {
    WT_ITEM item{};
    item.data = bytes.data();
    item.size = bytes.size();
    return item;
}

int get_key(WT_CURSOR& cursor, std::string_view& key) {
    WT_ITEM found{};
    const int code = cursor.get_key(&cursor, &found);
    key = {static_cast<const char*>(found.data), found.size};
    return code;
}

int get_value(WT_CURSOR& cursor, std::string_view& value) {
    WT_ITEM found{};
    const int code = cursor.get_value(&cursor, &found);
    value = {static_cast<const char*>(found.data), found.size};
    return code;
}

// To the first row at or behind `key`; WT_NOTFOUND when there is none.
int seek_at_or_after(WT_CURSOR& cursor, std::string_view key) {
    if (key.empty()) {
        (void)cursor.reset(&cursor);
        return cursor.next(&cursor);
    }
    WT_ITEM wanted = item(key);
    cursor.set_key(&cursor, &wanted);
    int exact = 0;
    const int code = cursor.search_near(&cursor, &exact);
    return code == 0 && exact < 0 ? cursor.next(&cursor) : code;
}

// To the last row before `key`.
int seek_before(WT_CURSOR& cursor, std::string_view key) {
    WT_ITEM wanted = item(key);
    cursor.set_key(&cursor, &wanted);
    int exact = 0;
    const int code = cursor.search_near(&cursor, &exact);
    return code == 0 && exact >= 0 ? cursor.prev(&cursor) : code;
}

CursorHandle open_cursor(WT_SESSION& session, int& code) {
    WT_CURSOR* cursor = nullptr;
    code = session.open_cursor(&session, kTable, nullptr, "overwrite=true", &cursor);
    return CursorHandle(code == 0 ? cursor : nullptr);
}

// A statistic of the table; 0 when it can't be had.
uint64_t statistic(WT_SESSION& session, int which) {
    WT_CURSOR* raw_cursor = nullptr;
    const std::string uri = std::string("statistics:") + kTable;
    if (session.open_cursor(&session, uri.c_str(), nullptr, "statistics=(fast)", &raw_cursor) !=
        0) {
        return 0;
    }
    const CursorHandle cursor(raw_cursor);
    cursor->set_key(cursor.get(), which);
    const char* name = nullptr;
    const char* text = nullptr;
    int64_t value = 0;
    if (cursor->search(cursor.get()) != 0 ||
        cursor->get_value(cursor.get(), &name, &text, &value) != 0) {
        return 0;
    }
    return value < 0 ? 0 : static_cast<uint64_t>(value);
}

}  // namespace

Cursor::Cursor(const Connection& connection, CursorHandle at, const plugin::Scan& scan)
    : connection_(connection),
      at_(std::move(at)),
      lo_(scan.lo),
      hi_(upper_bound(scan.hi)),
      reverse_(scan.reverse) {}

int Cursor::move() {
    if (std::exchange(begun_, true)) {
        return reverse_ ? at_->prev(at_.get()) : at_->next(at_.get());
    }
    return reverse_ ? seek_before(*at_, hi_) : seek_at_or_after(*at_, lo_);
}

Result<bool> Cursor::next(plugin::Pair& pair) {
    if (ended_) {
        return false;
    }
    int code = move();
    if (code == 0) {
        code = get_key(*at_, pair.key);
    }
    if (code == WT_NOTFOUND || (code == 0 && (pair.key < lo_ || pair.key >= hi_))) {
        ended_ = true;
        return false;
    }
    if (code == 0) {
        code = get_value(*at_, pair.value);
    }
    if (code != 0) {
        return connection_.status(code);
    }
    return true;
}

View::~View() {
    point_.reset();
    (void)session_->rollback_transaction(session_, nullptr);
    connection_.give_back(session_);
}

Status View::begin() {
    return connection_.status(session_->begin_transaction(session_, nullptr));
}

Result<bool> View::get(std::string_view key, plugin::Sink value) {
    int code = 0;
    if (point_ == nullptr) {
        point_ = open_cursor(*session_, code);
    }
    if (code == 0) {
        WT_ITEM wanted = item(key);
        point_->set_key(point_.get(), &wanted);
        code = point_->search(point_.get());
    }
    if (code == WT_NOTFOUND) {
        return false;
    }
    std::string_view found;
    if (code == 0) {
        code = get_value(*point_, found);
    }
    if (code != 0) {
        return connection_.status(code);
    }
    value.append(found);
    (void)point_->reset(point_.get());  // lets go of the page
    return true;
}

Result<std::unique_ptr<Cursor>> View::scan(const plugin::Scan& scan) {
    int code = 0;
    CursorHandle at = open_cursor(*session_, code);
    if (code != 0) {
        return connection_.status(code);
    }
    return std::make_unique<Cursor>(connection_, std::move(at), scan);
}

Result<std::unique_ptr<Engine>> Engine::open(const plugin::OpenArguments& arguments) {
    Result<Config> config = read_config(arguments.options, arguments.option_count);
    if (!config) {
        return config.error();
    }
    auto engine = std::make_unique<Engine>(std::string(arguments.path), arguments.host);
    if (Status s = engine->open_store(*config); !s.ok()) {
        return s;
    }
    return engine;
}

Engine::~Engine() {
    if (writer_ != nullptr && failure_.ok()) {
        if (const Status s = sync(); !s.ok()) {
            const quorate_log_field field = {plugin::bytes("error"), plugin::bytes(s.text())};
            host_.log(host_.ctx, QUORATE_LOG_ERROR, plugin::bytes("could not sync at the end"),
                      &field, 1);
        }
    }
}

Status Engine::open_store(const Config& config) {
    Result<plugin::DirectoryLock> lock = plugin::DirectoryLock::take(dir_);
    if (!lock) {
        return lock.error();
    }
    lock_ = std::move(*lock);
    if (Status s = synced_.open(dir_); !s.ok()) {
        return s;
    }
    const uint64_t promised = number_of(synced_.note());
    if (Status s = check_files(promised); !s.ok()) {
        return s;
    }
    if (Status s = connection_.open(config); !s.ok()) {
        return s;
    }
    Result<WT_SESSION*> session = connection_.take_session();
    if (!session) {
        return session.error();
    }
    int code = 0;
    rows_ = open_cursor(**session, code);
    if (code == 0) {
        WT_ITEM key = item(count_key());
        rows_->set_key(rows_.get(), &key);
        code = rows_->search(rows_.get());
    }
    if (code == 0) {
        std::string_view value;
        code = get_value(*rows_, value);
        batches_ = number_of(value);
        (void)rows_->reset(rows_.get());
    }
    if (code != 0 && code != WT_NOTFOUND) {
        return connection_.status(code);
    }
    if (batches_ < promised) {
        return {QUORATE_DATA_LOSS, dir_ + ": holds " + std::to_string(batches_) + " writes of " +
                                       std::to_string(promised) +
                                       " that were synced; WiredTiger's metadata is damaged"};
    }
    writer_ = *session;
    return {};
}

// WiredTiger makes a new store where the files that lead to the old one are not there.
Status Engine::check_files(uint64_t promised) const {
    std::error_code error;
    const bool table = std::filesystem::exists(dir_ + "/data.wt", error);
    for (const char* name : {"WiredTiger", "WiredTiger.wt", "WiredTiger.turtle", "data.wt"}) {
        const std::string path = dir_ + '/' + name;
        if ((table || promised > 0) && (!std::filesystem::exists(path, error) ||
                                        std::filesystem::file_size(path, error) == 0)) {
            return {QUORATE_DATA_LOSS, path + ": missing or empty"};
        }
    }
    return {};
}

Result<std::unique_ptr<View>> Engine::view() {
    Result<WT_SESSION*> session = connection_.take_session();
    if (!session) {
        return session.error();
    }
    auto view = std::make_unique<View>(connection_, *session);
    if (Status s = view->begin(); !s.ok()) {
        return s;
    }
    return view;
}

Status Engine::write(plugin::Batch batch, bool sync_too) {
    if (!failure_.ok()) {
        return failure_;
    }
    for (const quorate_storage_op& op : batch) {
        if (op.kind < QUORATE_STORAGE_PUT || op.kind > QUORATE_STORAGE_DELETE_RANGE) {
            return {QUORATE_INVALID_ARGUMENT,
                    "unknown kind of operation " + std::to_string(op.kind)};
        }
    }
    ++batches_;
    int code = WT_ROLLBACK;
    for (int tries = 0; code == WT_ROLLBACK && tries < kTriesMax; ++tries) {
        code = apply(batch);
    }
    failure_ = connection_.status(code);
    return failure_.ok() && sync_too ? sync() : failure_;
}

// One transaction.
int Engine::apply(plugin::Batch batch) {
    int code = writer_->begin_transaction(writer_, nullptr);
    if (code != 0) {
        return code;
    }
    for (size_t i = 0; i < batch.size() && code == 0; ++i) {
        const std::string_view key = plugin::view(batch[i].key);
        const std::string_view value = plugin::view(batch[i].value);
        if (batch[i].kind == QUORATE_STORAGE_PUT) {
            code = put(key, value);
        } else if (batch[i].kind == QUORATE_STORAGE_DELETE) {
            code = erase(key);
        } else {
            code = erase_range(key, upper_bound(value));
        }
    }
    if (code == 0) {
        code = put(count_key(), raw(batches_));
    }
    if (code == 0) {
        return writer_->commit_transaction(writer_, nullptr);
    }
    (void)writer_->rollback_transaction(writer_, nullptr);
    return code;
}

int Engine::put(std::string_view key, std::string_view value) {
    WT_ITEM key_item = item(key);
    WT_ITEM value_item = item(value);
    rows_->set_key(rows_.get(), &key_item);
    rows_->set_value(rows_.get(), &value_item);
    return rows_->insert(rows_.get());
}

int Engine::erase(std::string_view key) {
    WT_ITEM key_item = item(key);
    rows_->set_key(rows_.get(), &key_item);
    const int code = rows_->remove(rows_.get());
    return code == WT_NOTFOUND ? 0 : code;
}

// WiredTiger drops whole pages of a range without reading them, between two rows that are there.
int Engine::erase_range(std::string_view lo, std::string_view hi) {
    if (lo >= hi) {
        return 0;
    }
    int code = 0;
    const CursorHandle first = open_cursor(*writer_, code);
    const CursorHandle last = code == 0 ? open_cursor(*writer_, code) : nullptr;
    if (code == 0) {
        code = seek_at_or_after(*first, lo);
    }
    if (code == 0) {
        code = seek_before(*last, hi);
    }
    std::string_view first_key;
    std::string_view last_key;
    if (code == 0) {
        code = get_key(*first, first_key);
    }
    if (code == 0) {
        code = get_key(*last, last_key);
    }
    if (code == WT_NOTFOUND || (code == 0 && (first_key > last_key || first_key >= hi))) {
        return 0;
    }
    return code != 0 ? code : writer_->truncate(writer_, nullptr, first.get(), last.get(), nullptr);
}

Status Engine::sync() {
    if (failure_.ok()) {
        failure_ = connection_.status(writer_->checkpoint(writer_, nullptr));
    }
    if (failure_.ok()) {
        failure_ = synced_.write(raw(batches_));
    }
    return failure_;
}

Result<plugin::Stats> Engine::stats() {
    Result<uint64_t> disk_bytes = plugin::directory_bytes(dir_);
    if (!disk_bytes) {
        return disk_bytes.error();
    }
    Result<WT_SESSION*> session = connection_.take_session();
    if (!session) {
        return session.error();
    }
    const uint64_t free_bytes = statistic(**session, WT_STAT_DSRC_BLOCK_REUSE_BYTES);
    connection_.give_back(*session);
    return plugin::Stats{*disk_bytes, *disk_bytes - std::min(*disk_bytes, free_bytes)};
}

// Of the whole file: what is freed is used again in any case, and this moves what lies at its end
// there and shortens it.
Status Engine::compact_range(std::string_view, std::string_view) {
    const std::lock_guard lock(compact_mutex_);
    Result<WT_SESSION*> session = connection_.take_session();
    if (!session) {
        return session.error();
    }
    const int code = (*session)->compact(*session, kTable, "timeout=0");
    connection_.give_back(*session);
    // In the way of a checkpoint, or of a page that is being read: there is a next time.
    return code == EBUSY || code == WT_ROLLBACK ? Status() : connection_.status(code);
}

}  // namespace quorate::wiredtiger_engine
