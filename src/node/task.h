// SPDX-License-Identifier: Apache-2.0
//
// Work that is handed to another loop with everything it needs. Move-only, run at most once; a task
// that is dropped unrun destroys its Reply, which then answers "server stopped".
#pragma once

#include <memory>
#include <utility>

namespace quorate::node {

// Called with the arguments its loop documents.
template <typename... Args>
class Task {
  public:
    Task() = default;
    template <typename Body>
    requires(!std::is_same_v<std::decay_t<Body>, Task>)
        Task(Body&& body)  // NOLINT: lambdas become tasks where they are handed over
        : body_(std::make_unique<Holder<std::decay_t<Body>>>(std::forward<Body>(body))) {}

    explicit operator bool() const { return body_ != nullptr; }
    void operator()(Args... args) {
        const auto body = std::move(body_);
        body->run(std::forward<Args>(args)...);
    }

  private:
    struct Callable {
        virtual ~Callable() = default;
        virtual void run(Args... args) = 0;
    };
    template <typename Body>
    struct Holder final : Callable {
        explicit Holder(Body&& b) : body(std::move(b)) {}
        void run(Args... args) override { body(std::forward<Args>(args)...); }
        Body body;
    };

    std::unique_ptr<Callable> body_;
};

}  // namespace quorate::node
