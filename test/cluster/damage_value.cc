// SPDX-License-Identifier: Apache-2.0
//
// Changes a stored value behind a member's back, while it is stopped, in a way that no checksum of
// the engine tells: damage-value PLUGIN-DIR ENGINE DIRECTORY TEXT OTHER-TEXT. Succeeds when one
// record or more had the text.
#include "base/clock.h"
#include "base/metrics.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "storage/open_engine.h"
#include "storage/schema.h"

#include <cstdio>
#include <string>

namespace quorate {
namespace {

int fail(const Status& status) {
    std::fprintf(stderr, "damage-value: %s\n", status.message().c_str());
    return 1;
}

struct Damage {
    std::string text;
    std::string other;
};

Result<size_t> collect(storage::View& view, const Damage& damage, storage::WriteBatch& batch) {
    const std::string lo(1, static_cast<char>(storage::Table::kRecords));
    const std::string hi(1, static_cast<char>(static_cast<char>(storage::Table::kRecords) + 1));
    auto cursor = view.scan({lo, hi}, storage::Direction::kForward);
    if (!cursor) {
        return cursor.error();
    }
    size_t found = 0;
    while (true) {
        const auto pair = (*cursor)->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            return found;
        }
        std::string record((*pair)->value);
        if (const size_t at = record.find(damage.text); at != std::string::npos) {
            record.replace(at, damage.text.size(), damage.other);
            batch.put((*pair)->key, record);
            ++found;
        }
    }
}

int run(char** arguments) {
    const SystemClock clock;
    metrics::Registry metrics;
    plugin::Host host(metrics, clock);
    plugin::Loader loader(arguments[1], host);
    auto engine = storage::open_engine(loader, {arguments[2], {}}, arguments[3]);
    if (!engine) {
        return fail(engine.error());
    }
    storage::WriteBatch batch;
    {
        auto view = (*engine)->view();
        if (!view) {
            return fail(view.error());
        }
        const auto found = collect(**view, {arguments[4], arguments[5]}, batch);
        if (!found) {
            return fail(found.error());
        }
        if (*found == 0) {
            std::fputs("damage-value: no record has this text\n", stderr);
            return 1;
        }
    }
    const Status written = (*engine)->write(batch, storage::Durability::kSynced);
    return written.ok() ? 0 : fail(written);
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
    if (argc != 6 || std::string(argv[4]).size() != std::string(argv[5]).size()) {
        std::fputs("usage: damage-value PLUGIN-DIR ENGINE DIRECTORY TEXT OTHER-TEXT\n", stderr);
        return 2;
    }
    return quorate::run(argv);
}
