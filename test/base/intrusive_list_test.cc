// SPDX-License-Identifier: Apache-2.0
#include "base/intrusive_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace quorate {
namespace {

struct Element {
    int value = 0;
    ListLink<Element> link;
    ListLink<Element> other_link;
};

using List = IntrusiveList<Element, &Element::link>;

std::vector<int> values(const List& list) {
    std::vector<int> out;
    for (const Element* e = list.front(); e != nullptr; e = List::next(*e)) {
        out.push_back(e->value);
    }
    return out;
}

TEST(IntrusiveList, AgreesWithAVector) {
    std::mt19937_64 random(7);
    std::vector<Element> elements(50);
    for (size_t i = 0; i < elements.size(); ++i) {
        elements[i].value = static_cast<int>(i);
    }
    List list;
    std::vector<int> twin;
    for (int step = 0; step < 5000; ++step) {
        Element& element = elements[random() % elements.size()];
        const auto place = std::find(twin.begin(), twin.end(), element.value);
        ASSERT_EQ(List::linked(element), place != twin.end());
        if (place == twin.end()) {
            list.push_back(element);
            twin.push_back(element.value);
        } else if (random() % 2 == 0) {
            list.erase(element);
            twin.erase(place);
        } else {
            list.move_to_back(element);
            twin.erase(place);
            twin.push_back(element.value);
        }
        ASSERT_EQ(values(list), twin);
        ASSERT_EQ(list.size(), twin.size());
        ASSERT_EQ(list.empty(), twin.empty());
        ASSERT_TRUE(list.empty() || list.back()->value == twin.back());
    }
}

TEST(IntrusiveList, AnElementMayBeInTwoListsByTwoLinks) {
    Element element;
    List list;
    IntrusiveList<Element, &Element::other_link> other;
    list.push_back(element);
    other.push_back(element);
    list.erase(element);
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(other.front(), &element);
}

}  // namespace
}  // namespace quorate
