// SPDX-License-Identifier: Apache-2.0
//
// FreeBy: lets a std::unique_ptr own what a C library made and one of its functions frees, as
// std::unique_ptr<X509, FreeBy<X509_free>>.
#pragma once

namespace quorate::plugin {

template <auto kFunction>
struct FreeBy {
    template <typename T>
    void operator()(T* object) const {
        kFunction(object);
    }
};

}  // namespace quorate::plugin
