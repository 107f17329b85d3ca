// SPDX-License-Identifier: Apache-2.0
//
// A folder for stores of the leveldb engine, and numbered batches to find a prefix of.
#pragma once

#include "engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::leveldb_engine {

class LevelDbTest : public ::testing::Test {
  protected:
    void SetUp() override {
        dir_ = (std::filesystem::temp_directory_path() / "quorate-test-XXXXXX").string();
        ASSERT_NE(::mkdtemp(dir_.data()), nullptr);
    }
    void TearDown() override { std::filesystem::remove_all(dir_); }

    static std::string read(const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void write(const std::filesystem::path& path, const std::string& content) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    }

    std::string dir_;
};

inline const quorate_host kQuietHost = {
    sizeof(quorate_host),
    nullptr,
    [](void*, int32_t, quorate_bytes, const quorate_log_field*, size_t) noexcept {},
    [](void*, quorate_bytes, uint64_t) noexcept {},
    [](void*) noexcept -> int64_t { return 0; },
    [](void*) noexcept -> int64_t { return 0; }};

inline plugin::Result<std::unique_ptr<Engine>> open_engine(
    const std::string& dir, std::string_view write_buffer = "64KiB") {
    const quorate_option option = {plugin::bytes("write_buffer_bytes"),
                                   plugin::bytes(write_buffer)};
    return Engine::open({dir, &option, 1, kQuietHost});
}

inline plugin::Status put(Engine& engine, uint64_t seq, bool sync) {
    const std::string key = "key" + std::to_string(seq);
    const std::string value(200 + seq % 300, static_cast<char>('a' + seq % 26));
    const std::string number = std::to_string(seq);
    const quorate_storage_op ops[] = {
        {QUORATE_STORAGE_PUT, 0, plugin::bytes(key), plugin::bytes(value)},
        {QUORATE_STORAGE_PUT, QUORATE_STORAGE_STATE, plugin::bytes("seq"), plugin::bytes(number)}};
    return engine.write(ops, sync);
}

// How many of the batches 1, 2, ... a store holds; -1 when it is no prefix of them.
inline int64_t prefix_of(Engine& engine) {
    auto view = engine.view();
    auto cursor = (*view)->scan({"", "", false});
    plugin::Pair pair;
    int64_t keys = 0;
    int64_t seq = 0;
    int64_t highest = 0;
    while (true) {
        plugin::Result<bool> more = (*cursor)->next(pair);
        if (!more) {
            return -1;
        }
        if (!*more) {
            return keys == seq && highest == seq ? seq : -1;
        }
        if (pair.key == "seq") {
            seq = std::stoll(std::string(pair.value));
        } else {
            ++keys;
            highest = std::max<int64_t>(highest, std::stoll(std::string(pair.key.substr(3))));
        }
    }
}

}  // namespace quorate::leveldb_engine
