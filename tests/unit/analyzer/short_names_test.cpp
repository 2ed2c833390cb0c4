#include "analyzer/base/short_names.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

constexpr const char* kString = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";

TEST(ShortNames, StringAndItsMembers) {
  EXPECT_EQ(short_name(kString), "std::string");
  EXPECT_EQ(short_name(std::string(kString) + "::_M_create"), "std::string::_M_create");
  EXPECT_EQ(short_name("demo::numbered_string[abi:cxx11]"), "demo::numbered_string");
}

TEST(ShortNames, DefaultArgumentsGo) {
  EXPECT_EQ(short_name(std::string("std::vector<") + kString + ", std::allocator<" + kString + " > >::push_back"),
            "std::vector<std::string>::push_back");
  EXPECT_EQ(short_name("std::map<int, A, std::less<int>, std::allocator<std::pair<int const, A> > >::operator[]"),
            "std::map<int, A>::operator[]");
  EXPECT_EQ(short_name("std::unique_ptr<A, std::default_delete<A> >::reset"), "std::unique_ptr<A>::reset");
}

TEST(ShortNames, TheShortestHasNoAnonymousNamespaces) {
  EXPECT_EQ(shortest_name("app::(anonymous namespace)::A<(anonymous namespace)::B>"), "app::A<B>");
  EXPECT_EQ(short_name("(anonymous namespace)::f"), "(anonymous namespace)::f");
}

TEST(ShortNames, WhatIsNoDefaultStays) {
  EXPECT_EQ(short_name("std::allocator_traits<std::allocator<char> >::allocate"),
            "std::allocator_traits<std::allocator<char>>::allocate");
  EXPECT_EQ(short_name("std::vector<int, my::allocator<int> >::push_back"),
            "std::vector<int, my::allocator<int>>::push_back");
  EXPECT_EQ(short_name("f(std::vector<int>, std::allocator<"), "f(std::vector<int>, std::allocator<");
  EXPECT_EQ(short_name("main"), "main");
  EXPECT_EQ(short_name(""), "");
}

}  // namespace
}  // namespace tidemark
