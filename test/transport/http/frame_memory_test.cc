// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/frame_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <random>

namespace quorate::http {
namespace {

TEST(FrameMemory, GivesEveryoneTheirOwn) {
    FrameMemory memory;
    std::mt19937_64 random(3);
    std::map<unsigned char*, std::pair<size_t, unsigned char>> used;
    size_t buffers = 0;
    const auto is_buffer = [](size_t size) {
        return size >= FrameMemory::kBufferBytesMin && size <= FrameMemory::kBufferBytesMax;
    };
    const auto check = [](const auto& one) {
        for (const size_t at : {size_t{0}, one.second.first / 2, one.second.first - 1}) {
            ASSERT_EQ(one.first[at], one.second.second);
        }
    };
    for (int step = 0; step < 5000; ++step) {
        if (used.size() < 300 && random() % 3 != 0) {
            const size_t size = random() % 2 == 0 ? 16'394 : 1 + random() % 40'000;
            const auto mark = static_cast<unsigned char>(random());
            auto* const place = static_cast<unsigned char*>(memory.allocate(size));
            ASSERT_NE(place, nullptr);
            std::memset(place, mark, size);
            ASSERT_TRUE(used.try_emplace(place, size, mark).second);
            buffers += is_buffer(size) ? 1 : 0;
        } else if (!used.empty()) {
            const auto one = std::next(used.begin(), static_cast<long>(random() % used.size()));
            check(*one);
            buffers -= is_buffer(one->second.first) ? 1 : 0;
            memory.release(one->first);
            used.erase(one);
        }
        ASSERT_EQ(memory.buffers(), buffers);
    }
    for (const auto& one : used) {
        check(one);
        memory.release(one.first);
    }
    EXPECT_EQ(memory.buffers(), 0U);
    memory.release(nullptr);
}

TEST(FrameMemory, ABufferMayBecomeLarger) {
    FrameMemory memory;
    auto* const small = static_cast<char*>(memory.resize(nullptr, 16'384));
    EXPECT_EQ(memory.buffers(), 1U);
    std::memset(small, 'x', 16'384);
    auto* const large = static_cast<char*>(memory.resize(small, 50'000));
    EXPECT_EQ(memory.buffers(), 0U);
    EXPECT_EQ(large[0], 'x');
    EXPECT_EQ(large[16'383], 'x');
    auto* const other = static_cast<char*>(memory.resize(large, 60'000));
    EXPECT_EQ(other[16'383], 'x');
    memory.release(other);
}

TEST(FrameMemory, WhatIsNotTouchedIsNotResident) {
    FrameMemory memory;
    auto* const buffer = static_cast<char*>(memory.allocate(16'394));
    const auto resident = [&] {
        unsigned char pages[FrameMemory::kBufferBytesMax / FrameMemory::kPageBytes] = {};
        EXPECT_EQ(::mincore(buffer, FrameMemory::kBufferBytesMax, pages), 0);
        int count = 0;
        for (const unsigned char page : pages) {
            count += page & 1;
        }
        return count;
    };
    EXPECT_EQ(resident(), 0);
    buffer[0] = 1;
    EXPECT_EQ(resident(), 1);
    std::memset(buffer, 1, 16'394);
    memory.release(buffer);
    EXPECT_EQ(resident(), 0);
    EXPECT_EQ(memory.allocate(16'394), buffer);
    memory.release(buffer);
}

}  // namespace
}  // namespace quorate::http
