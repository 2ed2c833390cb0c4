#include "analyzer/symbols/block_types.h"

#include <gtest/gtest.h>

#include "analyzer/symbols/template_name.h"

namespace tidemark::symbols {
namespace {

constexpr const char* kString = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
const std::string kPair = std::string("std::pair<int const, ") + kString + " >";
const std::string kTree = "std::_Rb_tree<int, " + kPair + ", std::_Select1st<" + kPair +
                          " >, std::less<int>, std::allocator<" + kPair + " > >";

BlockType allocated(const std::vector<std::string>& functions) {
  return allocated_type(functions).value_or(BlockType{"nothing", "", 0, false});
}

std::string allocate(const std::string& type) { return "std::__new_allocator<" + type + " >::allocate"; }

TEST(AllocatedType, Containers) {
  const BlockType buffer =
      allocated({"operator new", allocate("app::Thing"), "std::allocator_traits<std::allocator<app::Thing> >::allocate",
                 "std::_Vector_base<app::Thing, std::allocator<app::Thing> >::_M_allocate",
                 "std::vector<app::Thing, std::allocator<app::Thing> >::_M_realloc_insert<app::Thing const&>",
                 "app::fill", "main"});
  EXPECT_EQ(buffer.text, "buffer of std::vector<app::Thing>");
  EXPECT_EQ(buffer.object, "app::Thing");
  EXPECT_TRUE(buffer.repeated);
  // The same in an optimized program without debug information.
  EXPECT_EQ(allocated({"std::vector<int, std::allocator<int> >::_M_realloc_insert<int const&>", "main"}).text,
            "buffer of std::vector<int>");
  EXPECT_EQ(
      allocated({"operator new", std::string(kString) + "::_M_create", std::string(kString) + "::_M_append"}).text,
      "characters of std::string");
  EXPECT_EQ(allocated({allocate("char"), std::string(kString) + "::_M_create"}).text, "characters of std::string");
  const BlockType list =
      allocated({allocate("std::_List_node<A>"), "std::__cxx11::list<A, std::allocator<A> >::push_back"});
  EXPECT_EQ(list.text, "node of std::list<A>");
  EXPECT_EQ(list.object_offset, 16u);
  EXPECT_EQ(allocated({allocate("int*"), "std::_Deque_base<int, std::allocator<int> >::_M_allocate_map"}).text,
            "index of std::deque<int>");
  EXPECT_EQ(allocated({allocate("int"), "std::_Deque_base<int, std::allocator<int> >::_M_allocate_node"}).text,
            "part of std::deque<int>");
}

TEST(AllocatedType, Maps) {
  const BlockType node = allocated(
      {allocate("std::_Rb_tree_node<" + kPair + " >"), kTree + "::_M_create_node<int>",
       "std::map<int, " + std::string(kString) + ", std::less<int>, std::allocator<" + kPair + " > >::operator[]",
       "main"});
  EXPECT_EQ(node.text, "node of std::map<int, std::string>");
  EXPECT_EQ(node.object,
            "std::pair<int const, std::basic_string<char, std::char_traits<char>, std::allocator<char> > >");
  EXPECT_EQ(node.object_offset, 32u);
  EXPECT_EQ(allocated({kTree + "::_M_emplace_hint_unique<int>"}).text, "node of std::map<int, std::string>");
  EXPECT_EQ(allocated({kTree + "::_M_emplace_equal<int>", "std::multimap<int, A>::emplace<int>"}).text,
            "node of std::multimap<int, std::string>");
  EXPECT_EQ(
      allocated({"std::_Rb_tree<A*, A*, std::_Identity<A*>, std::less<A*>, std::allocator<A*> >::_M_insert_"}).text,
      "node of std::set<A*>");
  const std::string table =
      "std::_Hashtable<int, " + kPair + ", std::allocator<" + kPair + " >, std::__detail::_Select1st>";
  EXPECT_EQ(allocated({allocate("std::__detail::_Hash_node<" + kPair + ", false>"), table + "::_M_insert"}).text,
            "node of std::unordered_map<int, std::string>");
  EXPECT_EQ(allocated({allocate("std::__detail::_Hash_node_base*"), table + "::_M_rehash_aux"}).text,
            "buckets of std::unordered_map<int, std::string>");
  EXPECT_EQ(allocated({allocate("std::__detail::_Hash_node<A, true>"), "main"}).text, "node of std::unordered_set<A>");
}

TEST(AllocatedType, Objects) {
  EXPECT_EQ(allocated({"operator new", "std::make_unique<app::Tmpl<int, 3>, int>", "main"}).text, "app::Tmpl<int, 3>");
  EXPECT_EQ(allocated({"operator new[]", "std::make_unique<app::Thing[]>", "main"}).text, "app::Thing[]");
  const std::string inplace =
      "std::_Sp_counted_ptr_inplace<app::Thing, std::allocator<void>, (__gnu_cxx::_Lock_policy)2>";
  for (const std::vector<std::string>& stack :
       {std::vector<std::string>{allocate(inplace), "std::__allocate_guarded<std::allocator<" + inplace + " > >",
                                 "std::__shared_count<(__gnu_cxx::_Lock_policy)2>::__shared_count<app::Thing>"},
        std::vector<std::string>{"operator new", "std::make_shared<app::Thing, int>", "main"}}) {
    EXPECT_EQ(allocated(stack).text, "app::Thing");
    EXPECT_EQ(allocated(stack).object_offset, 16u);
  }
  EXPECT_EQ(allocated({"std::__shared_count<(__gnu_cxx::_Lock_policy)2>::__shared_count<app::Thing*>"}).text,
            "control block of app::Thing");
  EXPECT_EQ(
      allocated({"operator new", "std::_Function_base::_Base_manager<app::run(int)::{lambda(int)#1}>::_M_create<X>"})
          .text,
      "closure of app::run");
  EXPECT_EQ(
      allocated({"operator new", "std::function<void (int)>::function<main::{lambda(int)#2}, void>", "main"}).text,
      "closure of main");
  EXPECT_EQ(allocated({"operator new",
                       "std::_Function_base::_Base_manager<app::(anonymous namespace)::on_text<std::"
                       "shared_ptr<app::Thing> >(std::shared_ptr<int> const&)::{lambda(int)#1}>::_M_create<X>"})
                .text,
            "closure of app::on_text");
  EXPECT_EQ(class_type("std::__1::__function::__func<app::Box<int>::watch<char>()::$_0, A, void ()>").text,
            "closure of app::Box::watch");
  const BlockType array = allocated({"my::allocator<app::Thing>::allocate", "app::Pool::grow"});
  EXPECT_EQ(array.text, "app::Thing[]");
  EXPECT_TRUE(array.repeated);
}

TEST(AllocatedType, Libcxx) {
  EXPECT_EQ(allocated({"operator new", "std::__1::allocator<int>::allocate",
                       "std::__1::vector<int, std::__1::allocator<int> >::__push_back_slow_path<int>"})
                .text,
            "buffer of std::vector<int>");
  const BlockType node =
      allocated({"std::__1::allocator<std::__1::__tree_node<std::__1::__value_type<int, A>, void*> >::allocate"});
  EXPECT_EQ(node.text, "node of std::map<int, A>");
  EXPECT_EQ(node.object, "std::pair<int const, A >");
  EXPECT_EQ(class_type("std::__1::__shared_ptr_emplace<A, std::__1::allocator<A> >").object_offset, 24u);
}

TEST(AllocatedType, WhatTellsNothing) {
  for (const std::vector<std::string>& stack : std::vector<std::vector<std::string>>{
           {},
           {""},
           {"operator new"},
           {"malloc", "main"},
           {"xmalloc", "xstrdup", "main"},
           {"operator new", "app::make", "main"},
           // The library's frames further out than the program's say nothing about this allocation.
           {"operator new", "app::make", "std::vector<int, std::allocator<int> >::push_back"},
           {"std::vector<"},
           {"std::vector<int, (("},
           {"std::thread::_M_start_thread", "main"},
           {"std::operator<<"}}) {
    EXPECT_EQ(allocated(stack).text, "nothing") << (stack.empty() ? "" : stack.back());
  }
  EXPECT_EQ(allocated({std::string(100'000, '<')}).text, "nothing");
}

TEST(ClassType, WrappersOfTheLibrary) {
  EXPECT_EQ(class_type("app::Thing").text, "app::Thing");
  EXPECT_EQ(class_type("app::Thing").object_offset, 0u);
  EXPECT_EQ(class_type("app::(anonymous namespace)::Tmpl<std::vector<int, std::allocator<int> > >").text,
            "app::(anonymous namespace)::Tmpl<std::vector<int>>");
  EXPECT_EQ(class_type("std::_Sp_counted_ptr<app::Thing*, (__gnu_cxx::_Lock_policy)2>").text,
            "control block of app::Thing");
  EXPECT_EQ(class_type("std::_Sp_counted_deleter<app::Thing*, app::del::{lambda(app::Thing*)#1}, std::allocator<void>, "
                       "(__gnu_cxx::_Lock_policy)2>")
                .text,
            "control block of app::Thing");
  EXPECT_EQ(class_type("std::thread::_State_impl<std::thread::_Invoker<std::tuple<main::{lambda()#2}> > >").text,
            "start of std::thread in main");
  EXPECT_EQ(class_type("std::thread::_State_impl<std::thread::_Invoker<std::tuple<void (*)(int), int> > >").text,
            "start of std::thread");
  EXPECT_EQ(class_type("std::__1::__function::__func<main::$_0, std::__1::allocator<main::$_0>, void ()>").text,
            "closure of main");
  EXPECT_EQ(class_type("").text, "");
}

TEST(TemplateName, Split) {
  const TemplateName name = split_template("std::map<int, f(A<B, C>)::D, {lambda(X<Y>, Z)#1}>::operator[]<E>");
  EXPECT_EQ(name.name, "std::map");
  ASSERT_EQ(name.arguments.size(), 3u);
  EXPECT_EQ(name.arguments[1], "f(A<B, C>)::D");
  EXPECT_EQ(name.arguments[2], "{lambda(X<Y>, Z)#1}");
  EXPECT_EQ(name.rest, "::operator[]<E>");
  EXPECT_EQ(split_template("a::operator<").name, "a::operator<");
  EXPECT_EQ(split_template("(anonymous namespace)::A<int>").name, "(anonymous namespace)::A");
  EXPECT_TRUE(split_template("A<int").arguments.empty());
}

TEST(TemplateName, WithoutParameters) {
  EXPECT_EQ(without_parameters("f(int, A<(B)1>)::g(char) const::x"), "f()::g()::x");
  EXPECT_EQ(without_parameters("a::(anonymous namespace)::x"), "a::(anonymous namespace)::x");
  EXPECT_EQ(without_parameters("main::{lambda(int)#1}"), "main::{lambda()#1}");
  EXPECT_EQ(without_parameters("std::function<void (int)>"), "std::function<void (int)>");
  EXPECT_EQ(without_parameters("f((("), "f(((");
}

}  // namespace
}  // namespace tidemark::symbols
