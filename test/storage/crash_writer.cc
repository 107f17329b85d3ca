// SPDX-License-Identifier: Apache-2.0
#include "crash_writer.h"

#include "base/errors.h"
#include "child.h"
#include "storage/write_behind.h"
#include "store_model.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>

namespace quorate::storage::testing {

namespace {

constexpr char kWritten = 'w';
constexpr char kSynced = 's';
constexpr char kDiskFull = 'f';
constexpr int kBatchesPerSync = 17;

struct Ack {
    char kind;
    char padding[7];
    uint64_t seq;
};

void acknowledge(char kind, uint64_t seq) {
    Ack ack{};
    ack.kind = kind;
    ack.seq = seq;
    // Below PIPE_BUF, so whole.
    if (::write(STDOUT_FILENO, &ack, sizeof ack) != sizeof ack) {
        std::_Exit(3);
    }
}

[[noreturn]] void die(const Status& status) {
    if (status.is(errors::kDiskFull)) {
        acknowledge(kDiskFull, 0);
        std::_Exit(0);
    }
    std::fprintf(stderr, "crash writer: %s\n", status.message().c_str());
    std::_Exit(4);
}

using BatchMaker = WriteBatch (*)(uint64_t seq);

[[noreturn]] void write_to_engine(Backend& backend, uint64_t seq, BatchMaker batch) {
    while (true) {
        ++seq;
        if (Status s = backend.write(batch(seq), Durability::kBuffered); !s.ok()) {
            die(s);
        }
        acknowledge(kWritten, seq);
        if (seq % kBatchesPerSync == 0) {
            if (Status s = backend.sync(); !s.ok()) {
                die(s);
            }
            acknowledge(kSynced, seq);
        }
    }
}

[[noreturn]] void write_behind(Backend& backend, uint64_t seq) {
    WriteBehind::Options options;
    options.pending_bytes_max = 256 << 10;
    options.write_bytes_max = 64 << 10;
    WriteBehind layer(backend, options, die, seq);
    while (true) {
        ++seq;
        layer.submit(numbered_batch(seq), seq);
        if (seq % kBatchesPerSync == 0) {
            layer.sync([seq](const Status& status) {
                if (!status.ok()) {
                    die(status);
                }
                acknowledge(kSynced, seq);
            });
        }
        acknowledge(kWritten, layer.written());
    }
}

}  // namespace

WriteBatch numbered_batch(uint64_t seq) {
    std::mt19937_64 random(seq);
    const auto key = [&] { return mixed_key(random() % 500); };
    WriteBatch batch;
    for (uint64_t ops = 1 + random() % 12; ops-- > 0;) {
        batch.put(key(), Bytes(random() % 3000, static_cast<char>(random())));
    }
    batch.erase(key());
    if (seq % 20 == 0) {
        const Bytes lo = key();
        batch.erase_range({lo, lo + "9"});
    }
    if (seq % 50 == 0) {
        batch.put("Large", Bytes(300'000, static_cast<char>(seq)));
    }
    batch.put(kSeqKey, std::to_string(seq));
    batch.put(key(), std::to_string(seq));
    return batch;
}

WriteBatch filling_batch(uint64_t seq) {
    std::mt19937_64 random(seq);
    WriteBatch batch;
    for (int i = 0; i < 8; ++i) {
        // Random, so that nothing can be compressed away.
        Bytes value(8000, '\0');
        for (size_t at = 0; at + 8 <= value.size(); at += 8) {
            const uint64_t number = random();
            std::memcpy(value.data() + at, &number, sizeof number);
        }
        batch.put("K" + std::to_string(seq * 8 + static_cast<uint64_t>(i)), value);
    }
    batch.put(kSeqKey, std::to_string(seq));
    return batch;
}

Result<uint64_t> reached_seq(Backend& backend) {
    Result<std::optional<Bytes>> value = get(backend, kSeqKey);
    if (!value) {
        return value.error();
    }
    return value->has_value() ? std::stoull(**value) : uint64_t{0};
}

int run_crash_writer(const EngineUnderTest& engine, const std::string& dir, std::string_view job) {
    const Result<std::unique_ptr<Backend>> backend = open_engine(engine, dir);
    if (!backend) {
        die(backend.error());
    }
    const Result<uint64_t> seq = reached_seq(**backend);
    if (!seq) {
        die(seq.error());
    }
    if (job == kWriteToEngineJob || job == kFillJob) {
        write_to_engine(**backend, *seq, job == kFillJob ? filling_batch : numbered_batch);
    }
    write_behind(**backend, *seq);
}

Acknowledged write_and_kill(const EngineUnderTest& engine, const std::string& dir,
                            const std::string& job, uint64_t acks) {
    return write_and_look(engine, dir, job, acks, nullptr);
}

Acknowledged write_and_look(const EngineUnderTest& engine, const std::string& dir,
                            const std::string& job, uint64_t acks,
                            const std::function<void(const Acknowledged&)>& look) {
    Child child(engine, dir, job);
    Acknowledged last;
    Ack ack{};
    // The child blocks when the pipe is full, so after the kill there is an end to read.
    for (uint64_t count = 0; child.read(&ack, sizeof ack); ++count) {
        if (ack.kind == kDiskFull) {
            last.disk_full = true;
        } else {
            (ack.kind == kSynced ? last.synced : last.written) = ack.seq;
        }
        if (look && count < acks) {
            child.stop();
            look(last);
            child.resume();
        }
        if (count == acks) {
            child.kill();
        }
    }
    last.killed = WIFSIGNALED(child.wait());
    return last;
}

}  // namespace quorate::storage::testing
