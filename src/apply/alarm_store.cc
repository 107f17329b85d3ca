// SPDX-License-Identifier: Apache-2.0
#include "apply/alarm_store.h"

#include "base/errors.h"
#include "storage/schema.h"

#include <algorithm>

namespace quorate::apply {
namespace {

Bytes key_of(const Alarm& alarm) {
    return storage::alarm_key({alarm.member_id, static_cast<uint8_t>(alarm.type)});
}

}  // namespace

Status AlarmStore::restore(storage::View& view) {
    alarms_.clear();
    const auto [lo, hi] = storage::table_range(storage::Table::kAlarms);
    auto cursor = view.scan({lo, hi}, storage::Direction::kForward);
    if (!cursor) {
        return cursor.error();
    }
    while (true) {
        const auto pair = cursor.value()->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            return {};
        }
        const auto key = storage::parse_alarm_key((*pair)->key);
        if (!key || key->type > static_cast<uint8_t>(AlarmType::kCorrupt)) {
            return {errors::kDamaged, "a row of the alarm table has a key of another form"};
        }
        alarms_.insert({key->member_id, static_cast<AlarmType>(key->type)});
    }
}

bool AlarmStore::activate(const Alarm& alarm, storage::WriteBatch& batch) {
    if (!alarms_.insert(alarm).second) {
        return false;
    }
    batch.put(key_of(alarm), {});
    return true;
}

bool AlarmStore::deactivate(const Alarm& alarm, storage::WriteBatch& batch) {
    if (alarms_.erase(alarm) == 0) {
        return false;
    }
    batch.erase(key_of(alarm));
    return true;
}

std::vector<Alarm> AlarmStore::list(AlarmType type) const {
    std::vector<Alarm> found;
    for (const Alarm& alarm : alarms_) {
        if (type == AlarmType::kNone || alarm.type == type) {
            found.push_back(alarm);
        }
    }
    return found;
}

bool AlarmStore::any(AlarmType type) const {
    return std::any_of(alarms_.begin(), alarms_.end(),
                       [type](const Alarm& alarm) { return alarm.type == type; });
}

}  // namespace quorate::apply
