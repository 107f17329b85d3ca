// SPDX-License-Identifier: Apache-2.0
#include "store_reader.h"

#include "base/errors.h"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <utility>

namespace quorate::storage::testing {

namespace {

// By scan, and every key by get as well; the two must agree.
Result<Pairs> read_everything(Backend& backend) {
    Result<Pairs> pairs = scan(backend);
    if (!pairs) {
        return pairs;
    }
    for (const auto& [key, value] : *pairs) {
        const Result<std::optional<Bytes>> again = get(backend, key);
        if (!again) {
            return again.error();
        }
        if (*again != value) {
            pairs->emplace_back("get differs from scan at " + key, Bytes());
            break;
        }
    }
    return pairs;
}

// An answer is its kind and size, and then its text.
struct AnswerHead {
    char kind;
    char padding[7];
    uint64_t bytes;
};

void answer(char kind, const std::string& text) {
    const AnswerHead head = {kind, {}, text.size()};
    std::fwrite(&head, sizeof head, 1, stdout);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

}  // namespace

std::string digest(const Pairs& pairs) {
    Bytes all;
    for (const auto& [key, value] : pairs) {
        all += std::to_string(key.size()) + ' ' + std::to_string(value.size()) + ' ';
        all += key + value;
    }
    return std::to_string(pairs.size()) + " pairs, " + std::to_string(all.size()) + " bytes, " +
           std::to_string(std::hash<Bytes>()(all));
}

ReadOutcome StoreReader::read(const std::string& dir) {
    if (child_ == nullptr) {
        child_ = std::make_unique<Child>(engine_, "-", kReadJob);
    }
    AnswerHead head{};
    ReadOutcome outcome;
    if (child_->write(dir + '\n') && child_->read(&head, sizeof head)) {
        outcome.text.resize(head.bytes);
        if (child_->read(outcome.text.data(), head.bytes)) {
            outcome.kind = head.kind == 'r'   ? ReadOutcome::Kind::kRead
                           : head.kind == 'd' ? ReadOutcome::Kind::kDamaged
                                              : ReadOutcome::Kind::kRefused;
            return outcome;
        }
    }
    outcome.text = "the process ended with status " + std::to_string(child_->wait());
    child_.reset();
    return outcome;
}

int run_store_reader(const EngineUnderTest& engine) {
    for (std::string dir; std::getline(std::cin, dir);) {
        Result<std::unique_ptr<Backend>> backend = open_engine(engine, dir);
        const Result<Pairs> pairs = backend ? read_everything(**backend) : backend.error();
        if (pairs) {
            backend.value().reset();
            answer('r', digest(*pairs));
            continue;
        }
        answer(pairs.error().is(errors::kDamaged) ? 'd' : 'e', pairs.error().message());
        if (backend) {
            // What is asked is what a store says of its files. Closing a damaged one may take long.
            (void)backend.value().release();
        }
    }
    std::_Exit(0);
}

}  // namespace quorate::storage::testing
