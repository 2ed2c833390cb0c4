// Frames of real code: a sample library, compiled with optimization, is loaded here and looked up by its file, as it
// is, stripped, and with its debug information in another file.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "analyzer/symbols/demangle.h"
#include "analyzer/symbols/module_symbols.h"
#include "analyzer/symbols/stack_resolver.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::symbols {
namespace {

using testing::TemporaryFolder;

// The line of the source that ends in a comment "// line of NAME".
uint32_t line_of(const std::string& name) {
  std::ifstream source(SYMBOLS_SAMPLE_SOURCE);
  std::string line;
  for (uint32_t number = 1; std::getline(source, line); ++number) {
    if (line.find("// line of " + name) != std::string::npos) return number;
  }
  ADD_FAILURE() << name;
  return 0;
}

void run_tool(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

class Symbols : public ::testing::Test {
 protected:
  void SetUp() override {
    library_ = ::dlopen(SYMBOLS_SAMPLE_LIBRARY, RTLD_NOW);
    ASSERT_NE(library_, nullptr) << ::dlerror();
    link_map* map = nullptr;
    ASSERT_EQ(::dlinfo(library_, RTLD_DI_LINKMAP, &map), 0);
    bias_ = map->l_addr;
    inlined_ = call("sample_inlined") - bias_;
    templated_ = call("sample_template") - bias_;
  }
  void TearDown() override {
    if (library_ != nullptr) ::dlclose(library_);
  }
  uint64_t call(const char* name) const { return reinterpret_cast<uint64_t (*)()>(::dlsym(library_, name))(); }

  void* library_ = nullptr;
  uint64_t bias_ = 0, inlined_ = 0, templated_ = 0;
};

void expect_inlined_frames(ModuleSymbols& symbols, uint64_t address) {
  const std::vector<SourceFrame> frames = symbols.resolve(address);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].function, "sample::innermost");
  EXPECT_EQ(frames[0].line, line_of("innermost"));
  EXPECT_TRUE(frames[0].inlined);
  EXPECT_EQ(frames[1].function, "sample::middle");
  EXPECT_EQ(frames[1].line, line_of("middle"));
  EXPECT_TRUE(frames[1].inlined);
  EXPECT_EQ(frames[2].function, "sample_inlined");
  EXPECT_EQ(frames[2].line, line_of("outer"));
  EXPECT_FALSE(frames[2].inlined);
  for (const SourceFrame& frame : frames) EXPECT_TRUE(frame.file.ends_with("symbols_sample.cpp")) << frame.file;
}

TEST_F(Symbols, InlinedCallsHaveTheirOwnFrames) {
  ModuleSymbols symbols(SYMBOLS_SAMPLE_LIBRARY, "");
  EXPECT_EQ(symbols.source(), SymbolSource::kDebugInfo);
  expect_inlined_frames(symbols, inlined_);
}

TEST_F(Symbols, TemplatesKeepTheirArguments) {
  ModuleSymbols symbols(SYMBOLS_SAMPLE_LIBRARY, "");
  const std::vector<SourceFrame> frames = symbols.resolve(templated_);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].function, "sample::Holder<long*>::where");
  EXPECT_EQ(frames[0].line, line_of("Holder"));
}

TEST_F(Symbols, AStrippedLibraryHasItsExportedNames) {
  const TemporaryFolder folder;
  run_tool("strip --strip-all -o " + folder.file("stripped.so") + " " SYMBOLS_SAMPLE_LIBRARY);
  ModuleSymbols symbols(folder.file("stripped.so"), "");
  EXPECT_EQ(symbols.source(), SymbolSource::kSymbolTable);
  const std::vector<SourceFrame> frames = symbols.resolve(inlined_);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].function, "sample_inlined");
  EXPECT_TRUE(frames[0].file.empty());
  EXPECT_TRUE(symbols.resolve(8).front().function.empty());
}

TEST_F(Symbols, SeparateDebugInformationIsFoundByItsLink) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file(".debug"));
  const std::string debug = folder.file(".debug/apart.so.debug");
  run_tool("objcopy --only-keep-debug " SYMBOLS_SAMPLE_LIBRARY " " + debug);
  run_tool("objcopy --strip-all --add-gnu-debuglink=" + debug + " " SYMBOLS_SAMPLE_LIBRARY " " +
           folder.file("apart.so"));
  ModuleSymbols symbols(folder.file("apart.so"), "");
  EXPECT_EQ(symbols.source(), SymbolSource::kDebugInfo);
  expect_inlined_frames(symbols, inlined_);
}

TEST_F(Symbols, AnotherBuildIsNotBelieved) {
  ModuleSymbols symbols(SYMBOLS_SAMPLE_LIBRARY, "another build-id");
  EXPECT_EQ(symbols.source(), SymbolSource::kBuildIdDiffers);
  ASSERT_EQ(symbols.resolve(inlined_).size(), 1u);
  EXPECT_TRUE(symbols.resolve(inlined_).front().function.empty());
}

TEST(ModuleSymbols, MissingAndForeignFiles) {
  EXPECT_EQ(ModuleSymbols("/nowhere/lib.so", "").source(), SymbolSource::kFileMissing);
  EXPECT_EQ(ModuleSymbols("linux-vdso.so.1", "x").source(), SymbolSource::kFileMissing);
  EXPECT_EQ(ModuleSymbols("", "").source(), SymbolSource::kFileMissing);
  const TemporaryFolder folder;
  testing::write_file(folder.file("text"), {'t', 'e', 'x', 't'});
  ModuleSymbols text(folder.file("text"), "");
  EXPECT_TRUE(text.resolve(100).front().function.empty());
}

TEST_F(Symbols, AllocatorFramesAreTrimmed) {
  std::vector<model::Frame> frames;
  SymbolStore store;
  const std::vector<ModuleFile> modules = {{"/usr/bin/program", "", 0x1000},
                                           {"/lib/libc.so.6", "", 0x2000},
                                           {"/lib/libstdc++.so.6", "", 0x3000},
                                           {"/opt/lib/libtidemark_preload.so", "", 0x4000},
                                           {SYMBOLS_SAMPLE_LIBRARY, "", bias_}};
  StackResolver resolver(modules, {"/usr/bin/program", "/lib/libc.so.6", "/lib/libstdc++.so.6"}, store, frames);
  const auto modules_of = [&](const std::vector<CodeAddress>& addresses) {
    std::vector<std::string> names;
    for (const uint32_t index : resolver.resolve(addresses)) {
      names.push_back(std::filesystem::path(frames[index].module).filename());
    }
    return names;
  };
  using Names = std::vector<std::string>;
  // Innermost in the allocator's modules: gone; further out: kept. In the recorder: gone anywhere.
  EXPECT_EQ(modules_of({{0x3100, 2}, {0x2100, 1}, {0x1100, 0}, {0x2200, 1}, {0x4100, 3}}),
            (Names{"program", "libc.so.6"}));
  EXPECT_EQ(modules_of({{0x4100, 3}, {0x1100, 0}}), (Names{"program"}));
  // Nothing else: kept whole.
  EXPECT_EQ(modules_of({{0x2100, 1}, {0x2200, 1}}), (Names{"libc.so.6", "libc.so.6"}));
  // Inlined calls are frames of their own, at one offset.
  const std::vector<uint32_t> stack = resolver.resolve({{bias_ + inlined_, 4}});
  ASSERT_EQ(stack.size(), 3u);
  EXPECT_EQ(frames[stack[0]].offset, inlined_);
  EXPECT_EQ(frames[stack[2]].function, "sample_inlined");
  // Code of no module has its address.
  EXPECT_EQ(frames[resolver.resolve({{0xdead, kNoModule}}).front()].offset, 0xdeadu);
}

TEST(Demangle, CppAndRust) {
  EXPECT_EQ(demangle("malloc"), "malloc");
  EXPECT_EQ(demangle("_Z3fooi"), "foo");
  EXPECT_EQ(demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"), "std::vector<int, std::allocator<int> >::push_back");
  EXPECT_EQ(demangle("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
  EXPECT_EQ(demangle("_RNvCsgStHSCytQ6I_7mycrate3foo"), "mycrate::foo");
  EXPECT_EQ(demangle("_Zgarbage"), "_Zgarbage");
  EXPECT_EQ(demangle(""), "");
  EXPECT_EQ(demangle(("_Z" + std::string(100'000, 'a')).c_str()).size(), 100'002u);
}

}  // namespace
}  // namespace tidemark::symbols
