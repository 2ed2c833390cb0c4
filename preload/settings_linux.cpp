#include "preload/settings.h"

#include <cstring>

#include "preload/globals.h"
#include "preload/syscalls_linux.h"
#include "preload/trace_output_linux.h"

// Set by the loader before anything else runs: where the kernel put argc, argv and the environment.
extern "C" void* __libc_stack_end;

namespace tidemark {

constinit Settings settings;

namespace {

constexpr const char* kPrefix = "TIDEMARK_";

const char* value_of(const char* entry, const char* name) noexcept {
  const size_t length = std::strlen(name);
  return std::strncmp(entry, name, length) == 0 && entry[length] == '=' ? entry + length + 1 : nullptr;
}

uint64_t parse_number(const char*& text, unsigned base) noexcept {
  uint64_t value = 0;
  for (;; ++text) {
    unsigned digit = 99;
    if (*text >= '0' && *text <= '9') digit = static_cast<unsigned>(*text - '0');
    if (*text >= 'a' && *text <= 'f') digit = static_cast<unsigned>(*text - 'a' + 10);
    if (*text >= 'A' && *text <= 'F') digit = static_cast<unsigned>(*text - 'A' + 10);
    if (digit >= base) return value;
    value = value * base + digit;
  }
}

uint64_t parse_size(const char* text) noexcept {
  const uint64_t value = parse_number(text, 10);
  switch (*text) {
    case 'k':
    case 'K':
      return value << 10;
    case 'm':
    case 'M':
      return value << 20;
    case 'g':
    case 'G':
      return value << 30;
    case 't':
    case 'T':
      return value << 40;
    default:
      return value;
  }
}

// Our variables as found at the start, for environments built afresh. There are few.
constexpr size_t kMaxOwn = 16;
char* own_variables[kMaxOwn];
size_t own_count = 0;

struct Text {
  char* at;
  char* end;
  // Appends; an entry that does not fit is left out whole by the caller, which sees full().
  void add(const char* text) noexcept {
    while (*text != 0 && at < end) *at++ = *text++;
  }
  void add_number(uint64_t value, unsigned base) noexcept {
    char digits[24];
    char* digit = digits + sizeof(digits) - 1;
    *digit = 0;
    do *--digit = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    add(digit);
  }
  bool full() const noexcept { return at >= end; }
  char* finish(char* start) noexcept {
    *at++ = 0;
    return start;
  }
};

bool lists_library(const char* list, const char* library) noexcept {
  const size_t length = std::strlen(library);
  for (const char* at = list; (at = std::strstr(at, library)) != nullptr; ++at) {
    const bool starts = at == list || at[-1] == ':' || at[-1] == ' ';
    const char after = at[length];
    if (starts && (after == 0 || after == ':' || after == ' ')) return true;
  }
  return false;
}

// LD_PRELOAD without our library.
void add_without(Text& text, const char* list, const char* library) noexcept {
  bool first = true;
  while (*list != 0) {
    const size_t length = std::strcspn(list, ": ");
    if (length != 0 && !(length == std::strlen(library) && std::strncmp(list, library, length) == 0)) {
      if (!first) text.add(":");
      first = false;
      for (size_t i = 0; i < length; ++i) {
        const char one[2] = {list[i], 0};
        text.add(one);
      }
    }
    list += length;
    while (*list == ':' || *list == ' ') ++list;
  }
}

// TIDEMARK_OUTPUT as found; settings.output is the same, absolute.
const char* output_as_given = nullptr;
char absolute_output[4096];

// Forked children and exec'd images may have another folder by then.
void make_output_absolute() noexcept {
  if (settings.output[0] == '/') return;
  char folder[4096];
  if (sys::failed(sys::getcwd(folder, sizeof(folder))) || folder[0] != '/') return;
  Text text{absolute_output, absolute_output + sizeof(absolute_output) - 1};
  for (const char* at = folder; *at != 0; ++at) {
    const char one[3] = {*at, *at == '%' ? '%' : char{0}, 0};
    text.add(one);
  }
  text.add("/");
  text.add(settings.output);
  if (!text.full()) settings.output = text.finish(absolute_output);
}

}  // namespace

StartVectors start_vectors() noexcept {
  auto* const words = static_cast<uintptr_t*>(__libc_stack_end);
  StartVectors found;
  found.argument_count = static_cast<int>(words[0]);
  found.arguments = reinterpret_cast<char**>(words + 1);
  found.environment = found.arguments + found.argument_count + 1;
  return found;
}

void read_settings(char** environment) noexcept {
  own_count = 0;
  for (char** entry = environment; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, kPrefix, std::strlen(kPrefix)) != 0) continue;
    if (own_count < kMaxOwn) own_variables[own_count++] = *entry;
    if (const char* value = value_of(*entry, "TIDEMARK_OUTPUT"); value != nullptr && *value != 0)
      settings.output = value;
    if (const char* value = value_of(*entry, "TIDEMARK_MAX_TRACE_SIZE")) settings.max_trace_bytes = parse_size(value);
    if (const char* value = value_of(*entry, "TIDEMARK_SESSION")) settings.session = parse_number(value, 16);
    if (const char* value = value_of(*entry, "TIDEMARK_NO_FOLLOW_FORK"))
      settings.follow_fork = *value == 0 || *value == '0';
    if (const char* value = value_of(*entry, "TIDEMARK_CHECK_UNWIND")) settings.check_unwind = *value == '1';
    if (const char* value = value_of(*entry, "TIDEMARK_RECORDED_PID"))
      settings.recorded_pid = static_cast<uint32_t>(parse_number(value, 10));
    if (const char* value = value_of(*entry, "TIDEMARK_PARENT")) {
      settings.parent_trace = parse_number(value, 16);
      if (*value == ':') settings.parent_pid = static_cast<uint32_t>(parse_number(++value, 10));
      if (*value == ':') settings.parent_image = static_cast<uint32_t>(parse_number(++value, 10));
    }
  }
  make_output_absolute();
}

size_t exec_slots(char* const* environment) noexcept {
  size_t count = 0;
  if (environment != nullptr)
    while (environment[count] != nullptr) ++count;
  return count + kMaxOwn + 4;
}

char* const* exec_environment(char* const* environment, char** slots, char* text_memory) noexcept {
  const Phase phase = globals.phase.load(std::memory_order_relaxed);
  if (phase != Phase::kOn) return environment;
  const char* const library = globals.library_path;
  if (library == nullptr || library[0] == 0) return environment;
  Text text{text_memory, text_memory + kExecTextBytes - 1};
  char** slot = slots;
  bool has_own[kMaxOwn] = {};
  bool has_preload = false, has_output = false;
  for (char* const* entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    const char* const preload = value_of(*entry, "LD_PRELOAD");
    if (value_of(*entry, "TIDEMARK_PARENT") != nullptr) continue;
    if (const char* output = value_of(*entry, "TIDEMARK_OUTPUT"); output != nullptr) {
      if (output_as_given != nullptr && std::strcmp(output, output_as_given) == 0) continue;
      has_output = true;  // the program sends its child's trace elsewhere
    }
    if (preload != nullptr) {
      has_preload = true;
      if (lists_library(preload, library) != globals.follow_fork) {
        char* const start = text.at;
        text.add("LD_PRELOAD=");
        if (globals.follow_fork) {
          text.add(preload);
          if (*preload != 0) text.add(":");
          text.add(library);
        } else {
          add_without(text, preload, library);
        }
        if (text.full()) return environment;
        *slot++ = text.finish(start);
        continue;
      }
    }
    for (size_t i = 0; i < own_count; ++i) {
      const size_t name = std::strcspn(own_variables[i], "=") + 1;
      if (std::strncmp(*entry, own_variables[i], name) == 0) has_own[i] = true;
    }
    *slot++ = *entry;
  }
  if (!globals.follow_fork) {
    *slot = nullptr;
    return slots;
  }
  if (!has_preload) {
    char* const start = text.at;
    text.add("LD_PRELOAD=");
    text.add(library);
    if (text.full()) return environment;
    *slot++ = text.finish(start);
  }
  for (size_t i = 0; i < own_count; ++i) {
    if (has_own[i] || value_of(own_variables[i], "TIDEMARK_PARENT") != nullptr ||
        value_of(own_variables[i], "TIDEMARK_OUTPUT") != nullptr)
      continue;
    *slot++ = own_variables[i];
  }
  char* start = text.at;
  if (!has_output) {
    text.add("TIDEMARK_OUTPUT=");
    text.add(settings.output);
    if (text.full()) return environment;
    *slot++ = text.finish(start);
  }
  if (const trace::FileHeader* header = trace_output.header(); header != nullptr) {
    start = text.at;
    text.add("TIDEMARK_PARENT=");
    text.add_number(header->trace_id, 16);
    text.add(":");
    text.add_number(header->pid, 10);
    text.add(":");
    text.add_number(header->image, 10);
    if (text.full()) return environment;
    *slot++ = text.finish(start);
  }
  *slot = nullptr;
  return slots;
}

}  // namespace tidemark
