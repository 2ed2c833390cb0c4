// Names of variables, vtables and members of real code: a sample library, compiled in several ways, is loaded here and
// looked up by its file.
#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "analyzer/symbols/module_symbols.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::symbols {
namespace {

using testing::TemporaryFolder;

uint32_t line_of(const std::string& name) {
  std::ifstream source(OBJECTS_SAMPLE_SOURCE);
  std::string line;
  for (uint32_t number = 1; std::getline(source, line); ++number) {
    if (line.ends_with("// line of " + name)) return number;
  }
  ADD_FAILURE() << name;
  return 0;
}

void run_tool(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

// The sample, compiled and loaded. It stays loaded: its destructors are registered to run at exit.
class Sample {
 public:
  Sample(const TemporaryFolder& folder, const std::string& compiler, const std::string& options)
      : path_(folder.file("sample.so")) {
    // In two steps and in the folder, where split debug information is left beside the object file.
    const std::string here = "cd '" + folder.file("") + "' && " + compiler + " ";
    run_tool(here + options + " -std=c++17 -fPIC -fvisibility=hidden -c '" OBJECTS_SAMPLE_SOURCE "' -o sample.o");
    run_tool(here + "-shared sample.o -pthread -o sample.so");
    library_ = ::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) {
      ADD_FAILURE() << ::dlerror();
      return;
    }
    link_map* map = nullptr;
    EXPECT_EQ(::dlinfo(library_, RTLD_DI_LINKMAP, &map), 0);
    bias_ = map->l_addr;
    address_ = reinterpret_cast<const void* (*)(const char*)>(::dlsym(library_, "sample_address"));
  }
  const std::string& path() const { return path_; }
  uint64_t run_time(const char* name) const {
    const void* const address = address_ == nullptr ? nullptr : address_(name);
    EXPECT_NE(address, nullptr) << name;
    return reinterpret_cast<uint64_t>(address);
  }
  uint64_t at(const char* name) const { return run_time(name) - bias_; }
  uint64_t thread_local_offset(const char* name) const {
    const uint64_t address = run_time(name);
    void* block = nullptr;
    EXPECT_EQ(::dlinfo(library_, RTLD_DI_TLS_DATA, &block), 0);
    return address - reinterpret_cast<uint64_t>(block);
  }

 private:
  std::string path_;
  void* library_ = nullptr;
  uint64_t bias_ = 0;
  const void* (*address_)(const char*) = nullptr;
};

struct Way {
  const char* name;
  const char* compiler;
  const char* options;
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class ObjectNames : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (*GetParam().compiler == 0) GTEST_SKIP() << "no such compiler";
    sample_.emplace(folder_, GetParam().compiler, GetParam().options);
  }
  TemporaryFolder folder_;
  std::optional<Sample> sample_;
};

void check_variables(const Sample& sample, ModuleSymbols& symbols, const Way& way) {
  struct Expected {
    const char* where;
    const char* name;
    const char* type;
    const char* line;  // "": any
  };
  static constexpr Expected kExpected[] = {
      {"members", "app::Server::members", "std::vector<int>", "members"},
      {"inlined", "app::Server::inlined", "std::string", ""},
      {"cache", "app::get_cache()::cache", "std::map<int, std::string>", "cache"},
      {"cached", "app::cached<int>()::text", "std::string", ""},
      {"shared_points", "app::shared_points", "std::vector<app::Point>", "shared_points"},
      {"weak_pointer", "app::weak_pointer", "const char*", ""},
      {"options", "app::options", "app::Options", ""},
      {"hidden", "app::(anonymous namespace)::hidden", "std::unordered_map<std::string, app::Point>", "hidden"},
      {"file_static", "file_static", "std::string", "file_static"},
  };
  for (const Expected& expected : kExpected) {
    SCOPED_TRACE(expected.where);
    const DataObject object = symbols.data_at(sample.at(expected.where));
    EXPECT_TRUE(object.is_variable);
    EXPECT_EQ(object.name, expected.name);
    EXPECT_EQ(object.type, expected.type);
    EXPECT_TRUE(object.file.ends_with("objects_sample.cpp")) << object.file;
    // clang states no line of a static member's definition.
    const bool declared = object.name == "app::Server::members" && std::string(way.compiler) == SAMPLE_CLANG;
    if (declared) {
      EXPECT_EQ(object.line, line_of("members' declaration"));
    } else if (*expected.line != 0) {
      EXPECT_EQ(object.line, line_of(expected.line));
    }
    EXPECT_EQ(object.start, sample.at(expected.where));
    EXPECT_EQ(object.field, object.type == "app::Options" ? "name" : "");
  }
  const DataObject counter = symbols.data_at(sample.at("counter"));
  EXPECT_EQ(counter.name, "tick()::counter");
  EXPECT_EQ(counter.line, line_of("counter"));
  EXPECT_EQ(counter.size, 8u);
}

void check_fields_of_variables(const Sample& sample, ModuleSymbols& symbols) {
  const uint64_t options = sample.at("options");
  EXPECT_EQ(symbols.data_at(options).field, "name");
  const DataObject object = symbols.data_at(options + 8 + 24);
  EXPECT_EQ(object.field, "points[1].y");
  EXPECT_EQ(object.start, options);
  EXPECT_NE(symbols.data_at(options + object.size).start, options);
}

void check_thread_local_variables(const Sample& sample, ModuleSymbols& symbols, const Way& way) {
  const uint64_t offset = sample.thread_local_offset("scratch");
  const DataObject object = symbols.tls_at(offset + 8);
  EXPECT_EQ(object.name, "app::(anonymous namespace)::scratch");
  EXPECT_EQ(object.start, offset);
  // g++ states no place of thread-local variables in split debug information.
  if (std::string(way.name) != "gcc_split") {
    EXPECT_EQ(object.type, "std::vector<int>");
    EXPECT_EQ(object.line, line_of("scratch"));
  }
  EXPECT_EQ(symbols.tls_at(sample.thread_local_offset("first_of_thread")).name,
            "app::(anonymous namespace)::first_of_thread");
  EXPECT_FALSE(symbols.tls_at(1 << 20).is_variable);
}

void expect_vtables(const Sample& sample, ModuleSymbols& symbols) {
  const auto type = [&](const char* name) {
    return symbols.vtable_type(sample.at(name)).value_or(BlockType{"nothing", "", 0, false});
  };
  EXPECT_EQ(type("vtable of Node<long>").text, "app::Node<long>");
  EXPECT_EQ(type("vtable of Server").text, "app::Server");
  EXPECT_EQ(type("second vtable of Node<Point>").text, "app::Node<app::Point>");
  EXPECT_EQ(type("vtable of Local").text, "sample_address::Local");
  const BlockType shared = type("vtable of shared");
  EXPECT_EQ(shared.text, "app::Node<long>");
  EXPECT_EQ(shared.object_offset, 16u);
  for (const char* nothing : {"options", "own code", "counter"}) {
    EXPECT_FALSE(symbols.vtable_type(sample.at(nothing))) << nothing;
  }
  EXPECT_FALSE(symbols.vtable_type(0));
  EXPECT_FALSE(symbols.vtable_type(8));
  EXPECT_FALSE(symbols.vtable_type(UINT64_MAX));
}

void check_fields_of_types(const Sample& sample, ModuleSymbols& symbols) {
  const auto path = [&](const char* type, uint64_t offset) {
    const std::optional<Field> field = symbols.field_at(type, offset);
    return field ? field->path : std::string("nothing");
  };
  EXPECT_EQ(symbols.size_of("app::Point"), 16u);
  EXPECT_EQ(symbols.size_of("app::Options"), 136u);
  EXPECT_EQ(path("app::Options", 0), "name");
  EXPECT_EQ(path("app::Options", 8), "points[0].x");
  EXPECT_EQ(path("app::Options", 8 + 47), "points[2].y");
  EXPECT_EQ(path("app::Options", 56 + 4 * 6), "grid[1][2]");
  EXPECT_EQ(path("app::Options", 88), "number");
  EXPECT_EQ(path("app::Options", 96 + 16), "numbers");
  EXPECT_EQ(path("app::Options", 120), "inner.pad");
  EXPECT_EQ(path("app::Options", 124), "nothing");  // padding
  EXPECT_EQ(path("app::Options", 128), "inner.deep");
  EXPECT_EQ(path("app::Options", 136), "nothing");
  EXPECT_EQ(path("app::Options::Inner", 8), "deep");
  EXPECT_EQ(path("app::Server", 8), "id");
  EXPECT_EQ(path("app::Server", 16 + 8), "session");
  EXPECT_EQ(path("app::Server", 32), "title");
  EXPECT_EQ(path("app::Server", 64 + 128), "options.inner.deep");
  EXPECT_EQ(symbols.field_at("app::Server", 32).value_or(Field{}).type, "std::string");
  EXPECT_EQ(symbols.field_at("app::Server", 16).value_or(Field{}).type, "std::shared_ptr<app::Base>");
  // As demanglers and both compilers spell it.
  for (const char* node : {"app::Node<app::Point>", "struct app::Node<app::Point >"}) {
    EXPECT_EQ(path(node, 24 + 8), "value.y") << node;
    EXPECT_EQ(path(node, 40), "next") << node;
  }
  EXPECT_EQ(path("app::Slots", 24 + 16), "slots[1].second.y");
  EXPECT_EQ(path("app::Missing", 0), "nothing");
  EXPECT_EQ(path("", 0), "nothing");
  // Types of functions are known to who points at the function.
  EXPECT_EQ(path("sample_address::Local", 16), "nothing");
  const std::optional<Field> own = symbols.field_at("sample_address::Local", 16, sample.at("own code"));
  ASSERT_TRUE(own);
  EXPECT_EQ(own->path, "own");
}

// All of one way in one test: each has to compile.
TEST_P(ObjectNames, AreFound) {
  ModuleSymbols symbols(sample_->path(), "");
  check_variables(*sample_, symbols, GetParam());
  check_fields_of_variables(*sample_, symbols);
  check_thread_local_variables(*sample_, symbols, GetParam());
  expect_vtables(*sample_, symbols);
  check_fields_of_types(*sample_, symbols);
}

INSTANTIATE_TEST_SUITE_P(Ways, ObjectNames,
                         ::testing::Values(Way{"gcc", SAMPLE_GCC, "-O0 -g"}, Way{"gcc_optimized", SAMPLE_GCC, "-O2 -g"},
                                           Way{"gcc_dwarf_4", SAMPLE_GCC, "-O2 -g -gdwarf-4 -fdebug-types-section"},
                                           Way{"gcc_split", SAMPLE_GCC, "-O1 -g -gsplit-dwarf"},
                                           Way{"clang", SAMPLE_CLANG, "-O0 -g"},
                                           Way{"clang_optimized", SAMPLE_CLANG, "-O2 -g"},
                                           Way{"clang_dwarf_4", SAMPLE_CLANG, "-O0 -gdwarf-4"},
                                           Way{"clang_split", SAMPLE_CLANG, "-O0 -g -gsplit-dwarf"}),
                         [](const auto& way) { return std::string(way.param.name); });

class StrippedObjectNames : public ::testing::Test {
 protected:
  void SetUp() override {
    if (*SAMPLE_GCC == 0) GTEST_SKIP() << "no such compiler";
    sample_.emplace(folder_, SAMPLE_GCC, "-O1 -g");
  }
  TemporaryFolder folder_;
  std::optional<Sample> sample_;
};

TEST_F(StrippedObjectNames, WithItsSymbolTable) {
  run_tool("strip --strip-debug -o " + folder_.file("stripped.so") + " " + sample_->path());
  ModuleSymbols symbols(folder_.file("stripped.so"), "");
  const DataObject cache = symbols.data_at(sample_->at("cache") + 8);
  EXPECT_EQ(cache.name, "app::get_cache()::cache");
  EXPECT_EQ(cache.size, 48u);
  EXPECT_EQ(cache.start, sample_->at("cache"));
  EXPECT_EQ(cache.type, "");
  EXPECT_EQ(symbols.data_at(sample_->at("counter")).name, "tick::counter");
  EXPECT_EQ(symbols.tls_at(sample_->thread_local_offset("scratch")).name, "app::(anonymous namespace)::scratch");
  expect_vtables(*sample_, symbols);
  EXPECT_FALSE(symbols.field_at("app::Options", 0));
  EXPECT_FALSE(symbols.size_of("app::Options"));
}

TEST_F(StrippedObjectNames, OfEverything) {
  run_tool("strip --strip-all -o " + folder_.file("bare.so") + " " + sample_->path());
  ModuleSymbols symbols(folder_.file("bare.so"), "");
  const DataObject place = symbols.data_at(sample_->at("cache"));
  EXPECT_FALSE(place.is_variable);
  EXPECT_EQ(place.name, fmt::format("bare.so+{:#x} (.bss)", sample_->at("cache")));
  EXPECT_EQ(symbols.tls_at(8).name, "bare.so+0x8 (thread-local)");
  expect_vtables(*sample_, symbols);  // by their type information
}

TEST_F(StrippedObjectNames, DebugInformationApart) {
  std::filesystem::create_directory(folder_.file(".debug"));
  const std::string debug = folder_.file(".debug/apart.so.debug");
  run_tool("objcopy --only-keep-debug --compress-debug-sections=zlib " + sample_->path() + " " + debug);
  run_tool("objcopy --strip-all --add-gnu-debuglink=" + debug + " " + sample_->path() + " " + folder_.file("apart.so"));
  ModuleSymbols symbols(folder_.file("apart.so"), "");
  const DataObject cache = symbols.data_at(sample_->at("cache"));
  EXPECT_EQ(cache.name, "app::get_cache()::cache");
  EXPECT_EQ(cache.type, "std::map<int, std::string>");
  EXPECT_EQ(cache.line, line_of("cache"));
  EXPECT_EQ(symbols.field_at("app::Options", 8).value_or(Field{}).path, "points[0].x");
  expect_vtables(*sample_, symbols);
}

TEST_F(StrippedObjectNames, SymbolsGroupAddresses) {
  ModuleSymbols symbols(sample_->path(), "");
  const std::span<const ObjectSymbol> data = symbols.data_symbols();
  ASSERT_GT(data.size(), 10u);
  for (size_t i = 1; i < data.size(); ++i) EXPECT_LE(data[i - 1].end, data[i].start);
  const uint32_t index = find_symbol(data, sample_->at("members") + 23);
  ASSERT_NE(index, kNoSymbol);
  EXPECT_EQ(data[index].start, sample_->at("members"));
  EXPECT_EQ(data[index].end, sample_->at("members") + 24);
  EXPECT_EQ(find_symbol(data, 0), kNoSymbol);
  EXPECT_EQ(find_symbol(data, UINT64_MAX), kNoSymbol);
  for (const ObjectSymbol& symbol : data) EXPECT_FALSE(std::string(symbol.name).starts_with("_ZGV")) << symbol.name;
}

// Files whose bytes are wrong in a few places, mostly in the debug information: any answer will do, if there is one.
TEST_F(StrippedObjectNames, DamagedFilesAreSurvived) {
  std::ifstream in(sample_->path(), std::ios::binary);
  const std::vector<char> whole{std::istreambuf_iterator<char>(in), {}};
  constexpr int kRounds = 60;
  std::mt19937 random(4711);
  size_t named = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<char> bytes = whole;
    const size_t from = round % 3 == 0 ? 0 : bytes.size() / 8;  // of every third also headers and symbol tables
    const int errors = 1 << (round % 10);
    for (int i = 0; i < errors; ++i) bytes[from + random() % (bytes.size() - from)] = static_cast<char>(random());
    const std::string path = folder_.file("damaged.so");
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ModuleSymbols symbols(path, "");
    for (const char* name : {"members", "cache", "options", "hidden", "counter"}) {
      for (const uint64_t offset : {0u, 8u, 40u}) {
        if (symbols.data_at(sample_->at(name) + offset).is_variable) ++named;
      }
    }
    symbols.tls_at(sample_->thread_local_offset("scratch"));
    for (const char* name : {"vtable of Server", "vtable of shared", "vtable of Local"}) {
      symbols.vtable_type(sample_->at(name));
    }
    for (const char* type : {"app::Options", "app::Node<long>", "app::Missing", "sample_address::Local"}) {
      symbols.size_of(type);
      for (uint64_t offset = 0; offset < 200; offset += 8) symbols.field_at(type, offset, sample_->at("own code"));
    }
  }
  EXPECT_GT(named, 0u);
}

TEST(ObjectNamesOf, MissingFiles) {
  ModuleSymbols symbols("/nowhere/lib.so", "");
  EXPECT_EQ(symbols.data_at(0x1234).name, "lib.so+0x1234");
  EXPECT_EQ(symbols.tls_at(0x10).name, "lib.so+0x10 (thread-local)");
  EXPECT_FALSE(symbols.vtable_type(0x1234));
  EXPECT_FALSE(symbols.field_at("A", 0));
  EXPECT_TRUE(symbols.data_symbols().empty());
  EXPECT_TRUE(symbols.thread_local_symbols().empty());
}

TEST(VariableName, Demangled) {
  EXPECT_EQ(variable_name("_ZSt4cout@GLIBCXX_3.4"), "std::cout");
  EXPECT_EQ(variable_name("_ZSt4cout@@GLIBCXX_3.4"), "std::cout");
  EXPECT_EQ(variable_name("environ"), "environ");
  EXPECT_EQ(variable_name("counter.12"), "counter");
  EXPECT_EQ(variable_name("v1.x"), "v1.x");
  EXPECT_EQ(variable_name(".5"), ".5");
  EXPECT_EQ(variable_name("_ZZN3app9get_cacheB5cxx11ERKSt6vectorIiSaIiEEE5cacheB5cxx11"), "app::get_cache()::cache");
}

TEST(PlainSpelling, WhatCompilersAgreeOn) {
  EXPECT_EQ(plain_spelling("A<3ul, unsigned long>"), plain_spelling("A<3, unsigned long>"));
  EXPECT_EQ(plain_spelling("A<B<int> >"), plain_spelling("A<B<int>>"));
  EXPECT_EQ(plain_spelling("app::(anonymous namespace)::A"), "app::A");
  EXPECT_EQ(plain_spelling("std::vector<A, std::allocator<A> >"), "std::vector<A>");
  EXPECT_EQ(plain_spelling("A3ul"), "A3ul");
  EXPECT_NE(plain_spelling("unsigned long"), plain_spelling("unsignedlong"));
}

}  // namespace
}  // namespace tidemark::symbols
