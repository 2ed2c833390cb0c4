#include "preload/settings.h"

#include <cstring>

#include "preload/globals.h"
#include "preload/loader_linux.h"
#include "preload/trace_output_linux.h"
#include "system/syscalls_linux.h"

// Set by the loader before anything else runs: where the kernel put argc, argv and the environment.

namespace tidemark {

constinit Settings settings;

namespace {

constexpr const char* kPrefix = "TIDEMARK_";
constexpr const char* kListSeparators = ": ";  // LD_PRELOAD's, as ld.so has them

// TIDEMARK_NO_FOLLOW_FORK of what comes after a recorded image that is not followed.
constexpr char kAlreadyRecorded = '2';

char* value_of(char* entry, const char* name) noexcept {
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

void parse_parent(const char* text) noexcept {
  settings.parent_trace = parse_number(text, 16);
  if (*text == ':') settings.parent_pid = static_cast<uint32_t>(parse_number(++text, 10));
  if (*text == ':') settings.parent_image = static_cast<uint32_t>(parse_number(++text, 10));
}

// `width` digits, the lowest ones if there are more.
char* write_digits(char* at, uint64_t value, unsigned base, int width) noexcept {
  for (int i = width - 1; i >= 0; --i, value /= base) at[i] = "0123456789abcdef"[value % base];
  return at + width;
}

// TIDEMARK_PARENT's value, kParentBytes and a final zero; of no trace, all zeros.
void write_parent(char* at, const trace::FileHeader* header) noexcept {
  at = write_digits(at, header == nullptr ? 0 : header->trace_id, 16, 16);
  *at++ = ':';
  at = write_digits(at, header == nullptr ? 0 : header->pid, 10, 10);
  *at++ = ':';
  at = write_digits(at, header == nullptr ? 0 : header->image, 10, 6);
  *at = 0;
}

// Our variables as found at the start, for environments built afresh. There are few.
constexpr size_t kMaxOwn = 16;
char* own_variables[kMaxOwn];
size_t own_count = 0;

// TIDEMARK_PARENT's value in the initial environment, if it has kParentBytes.
char* parent_in_place = nullptr;

// TIDEMARK_OUTPUT as found; settings.output is the same, absolute.
const char* output_as_given = nullptr;
char absolute_output[4096];
char absolute_library[4096];

// The current folder and a slash; the length, or 0 when there is none that could be named, or no room for more.
size_t write_current_folder(char* path, size_t size) noexcept {
  if (sys::failed(sys::getcwd(path, size)) || path[0] != '/') return 0;
  const size_t length = std::strlen(path);
  if (length + 2 > size) return 0;
  path[length] = '/';
  return length + 1;
}

// Doubles every % of `path` in its place: the folder's name is no pattern. The new length, or 0 without room for it.
size_t escape_percents(char* path, size_t length, size_t size) noexcept {
  size_t percents = 0;
  for (size_t i = 0; i < length; ++i) percents += path[i] == '%' ? 1 : 0;
  const size_t escaped = length + percents;
  if (escaped >= size) return 0;
  for (size_t from = length, to = escaped; from-- > 0;) {
    path[--to] = path[from];
    if (path[from] == '%') path[--to] = '%';
  }
  return escaped;
}

// Forked children and exec'd images may have another folder by then.
void make_output_absolute() noexcept {
  if (settings.output[0] == '/') return;
  size_t length = write_current_folder(absolute_output, sizeof(absolute_output));
  if (length != 0) length = escape_percents(absolute_output, length, sizeof(absolute_output));
  const size_t given = std::strlen(settings.output);
  if (length == 0 || length + given >= sizeof(absolute_output)) return;
  std::memcpy(absolute_output + length, settings.output, given + 1);
  settings.output = absolute_output;
}

// Whether this image is the one to record when forks and execs are not followed. If it is, it says so in the
// environment that system() and popen() hand on.
void settle_not_following(char* no_follow) noexcept {
  const bool named = settings.recorded_pid == globals.pid;
  // A `tidemark run` inside a recorded program inherits the mark, and names the process that it starts.
  const bool first_image = settings.parent_pid != globals.pid;
  const bool already = *no_follow == kAlreadyRecorded && !(named && first_image);
  settings.stay_off = already || (settings.recorded_pid != 0 && !named);
  if (!settings.stay_off) *no_follow = kAlreadyRecorded;
}

// Writes an environment, or with no room at all only counts what it takes.
class EnvironmentWriter {
 public:
  EnvironmentWriter() noexcept = default;
  EnvironmentWriter(const EnvironmentNeeds& room, void* memory) noexcept
      : room_(room), slots_(static_cast<char**>(memory)), text_(reinterpret_cast<char*>(slots_ + room.slots)) {}

  void keep(char* entry) noexcept {
    if (used_.slots < room_.slots) slots_[used_.slots] = entry;
    ++used_.slots;
  }
  void mark_changed() noexcept { changed_ = true; }
  // An entry of ours: begin, any number of add, then finish or abandon.
  void begin() noexcept { start_ = used_.text_bytes; }
  void add(const char* text) noexcept { add(text, std::strlen(text)); }
  void add(const char* text, size_t length) noexcept {
    for (size_t i = 0; i < length; ++i) add_character(text[i]);
  }
  void finish() noexcept {
    add_character(0);
    keep(text_ == nullptr ? nullptr : text_ + start_);
    changed_ = true;
  }
  void abandon() noexcept {
    used_.text_bytes = start_;
    changed_ = true;
  }
  void entry(const char* name, const char* value) noexcept {
    begin();
    add(name);
    add("=");
    add(value);
    finish();
  }
  void end() noexcept { keep(nullptr); }

  bool changed() const noexcept { return changed_; }
  const EnvironmentNeeds& used() const noexcept { return used_; }
  bool fits() const noexcept { return used_.slots <= room_.slots && used_.text_bytes <= room_.text_bytes; }

 private:
  void add_character(char character) noexcept {
    if (used_.text_bytes < room_.text_bytes) text_[used_.text_bytes] = character;
    ++used_.text_bytes;
  }

  EnvironmentNeeds room_, used_;
  char** slots_ = nullptr;
  char* text_ = nullptr;
  size_t start_ = 0;
  bool changed_ = false;
};

// Whether a word of LD_PRELOAD is our library, however its path is spelled: by the file's name.
bool names_library(const char* word, size_t length) noexcept {
  const char* const base = base_name(globals.library_path);
  const size_t base_length = std::strlen(base);
  return length >= base_length && std::strncmp(word + length - base_length, base, base_length) == 0 &&
         (length == base_length || word[length - base_length - 1] == '/');
}

// The first word of LD_PRELOAD that is our library, or nullptr.
const char* find_library(const char* list) noexcept {
  while (*list != 0) {
    const size_t length = std::strcspn(list, kListSeparators);
    if (length != 0 && names_library(list, length)) return list;
    list += length;
    list += std::strspn(list, kListSeparators);
  }
  return nullptr;
}

// LD_PRELOAD can name the library everywhere: nothing in it can be quoted, and what is relative is so to whatever
// folder the new image begins in.
bool library_can_be_listed() noexcept {
  return globals.library_path[0] == '/' && std::strpbrk(globals.library_path, ": $") == nullptr;
}

// LD_PRELOAD with `replacement` for every word that is our library; without them if that is nullptr, and not at all if
// nothing is left then.
void write_preload(EnvironmentWriter& out, const char* list, const char* replacement) noexcept {
  out.begin();
  out.add("LD_PRELOAD=");
  bool empty = true;
  while (*list != 0) {
    const size_t length = std::strcspn(list, kListSeparators);
    const bool ours = length != 0 && names_library(list, length);
    if (length != 0 && (!ours || replacement != nullptr)) {
      out.add(empty ? "" : ":");
      empty = false;
      if (ours)
        out.add(replacement);
      else
        out.add(list, length);
    }
    list += length;
    list += std::strspn(list, kListSeparators);
  }
  if (empty)
    out.abandon();
  else
    out.finish();
}

void write_without_library(EnvironmentWriter& out, char* const* environment) noexcept {
  for (; *environment != nullptr; ++environment) {
    const char* const preload = value_of(*environment, "LD_PRELOAD");
    if (preload == nullptr || find_library(preload) == nullptr)
      out.keep(*environment);
    else
      write_preload(out, preload, nullptr);
  }
}

// LD_PRELOAD of an image that is to be recorded. An absolute path stays as it is spelled; any other may mean nothing
// in the folder or to the loader of the new image.
void write_with_library(EnvironmentWriter& out, char* entry, const char* preload) noexcept {
  const char* const word = find_library(preload);
  if ((word != nullptr && *word == '/') || !library_can_be_listed()) return out.keep(entry);
  if (word != nullptr) return write_preload(out, preload, globals.library_path);
  out.begin();
  out.add(entry);
  if (*preload != 0) out.add(":");
  out.add(globals.library_path);
  out.finish();
}

// Whether TIDEMARK_OUTPUT is the one that this process was started with, and relative to the folder of then.
bool is_given_relative_output(const char* output) noexcept {
  return output_as_given != nullptr && std::strcmp(output, output_as_given) == 0 &&
         std::strcmp(output, settings.output) != 0;
}

// The start of `entry` up to its equals sign is that of `variable`, too.
bool same_name(const char* entry, const char* variable) noexcept {
  return std::strncmp(entry, variable, std::strcspn(variable, "=") + 1) == 0;
}

// Puts back those of our variables that `environment` lacks.
void write_missing_own(EnvironmentWriter& out, char* const* environment) noexcept {
  for (size_t i = 0; i < own_count; ++i) {
    char* const variable = own_variables[i];
    if (value_of(variable, "TIDEMARK_PARENT") != nullptr || value_of(variable, "TIDEMARK_OUTPUT") != nullptr) continue;
    char* const* entry = environment;
    while (*entry != nullptr && !same_name(*entry, variable)) ++entry;
    if (*entry != nullptr) continue;
    out.keep(variable);
    out.mark_changed();
  }
}

void write_with_recording(EnvironmentWriter& out, char* const* environment) noexcept {
  char parent[kParentBytes + 1];
  write_parent(parent, trace_output.header());
  bool has_preload = false, has_output = false, has_parent = false;
  for (char* const* at = environment; *at != nullptr; ++at) {
    if (const char* preload = value_of(*at, "LD_PRELOAD")) {
      has_preload = true;
      write_with_library(out, *at, preload);
      continue;
    }
    const char* const parent_here = value_of(*at, "TIDEMARK_PARENT");
    const char* const output_here = value_of(*at, "TIDEMARK_OUTPUT");
    if ((parent_here != nullptr && (has_parent || std::strcmp(parent_here, parent) != 0)) ||
        (output_here != nullptr && is_given_relative_output(output_here))) {
      out.mark_changed();
      continue;
    }
    has_parent = has_parent || parent_here != nullptr;
    has_output = has_output || output_here != nullptr;  // perhaps the program's own choice for its child
    out.keep(*at);
  }
  write_missing_own(out, environment);
  if (!has_preload && library_can_be_listed()) out.entry("LD_PRELOAD", globals.library_path);
  if (!has_output) out.entry("TIDEMARK_OUTPUT", settings.output);
  if (!has_parent) out.entry("TIDEMARK_PARENT", parent);
}

// Everything or, where nothing is to be changed, nothing.
void write_environment(EnvironmentWriter& out, char* const* environment) noexcept {
  // Before the settings are read, and where the recorder never came to look for itself.
  if (globals.library_path == nullptr || globals.library_path[0] == 0) return;
  static char* const kEmpty[] = {nullptr};
  if (environment == nullptr) environment = kEmpty;
  if (!settings.follow_fork)
    write_without_library(out, environment);
  else if (globals.phase.load(std::memory_order_relaxed) == Phase::kOn)
    write_with_recording(out, environment);
  out.end();
}

}  // namespace

bool parse_size(const char* text, uint64_t& bytes) noexcept {
  if (*text < '0' || *text > '9') return false;
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(*text - '0'), &value))
      return false;
  }
  const auto is = [&text](char lower) { return (*text | 0x20) == lower; };
  unsigned shift = 0;
  for (const char unit : {'k', 'm', 'g', 't'}) {
    shift += 10;
    if (!is(unit)) continue;
    ++text;
    if (is('i') && (text[1] | 0x20) == 'b') ++text;
    if (value > UINT64_MAX >> shift) return false;
    value <<= shift;
    break;
  }
  if (is('b')) ++text;
  if (*text != 0) return false;
  bytes = value;
  return true;
}

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
  char* no_follow = nullptr;
  bool size_understood = true, snapshot_understood = true;
  for (char** entry = environment; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, kPrefix, std::strlen(kPrefix)) != 0) continue;
    if (own_count < kMaxOwn) own_variables[own_count++] = *entry;
    if (const char* value = value_of(*entry, "TIDEMARK_OUTPUT")) {
      output_as_given = value;
      if (*value != 0) settings.output = value;
    }
    if (const char* value = value_of(*entry, "TIDEMARK_MAX_TRACE_SIZE"); value != nullptr && *value != 0)
      size_understood = parse_size(value, settings.max_trace_bytes);
    if (const char* value = value_of(*entry, "TIDEMARK_SNAPSHOT"); value != nullptr && *value != 0)
      snapshot_understood = parse_snapshot(value, settings.snapshot);
    if (const char* value = value_of(*entry, "TIDEMARK_SESSION")) settings.session = parse_number(value, 16);
    if (char* value = value_of(*entry, "TIDEMARK_NO_FOLLOW_FORK"); value != nullptr && *value != 0 && *value != '0')
      no_follow = value;
    if (const char* value = value_of(*entry, "TIDEMARK_CHECK_UNWIND")) settings.check_unwind = *value == '1';
    if (const char* value = value_of(*entry, "TIDEMARK_RECORDED_PID"))
      settings.recorded_pid = static_cast<uint32_t>(parse_number(value, 10));
    if (char* value = value_of(*entry, "TIDEMARK_PARENT")) {
      parse_parent(value);
      if (std::strlen(value) >= kParentBytes) parent_in_place = value;
    }
  }
  settings.follow_fork = no_follow == nullptr;
  if (no_follow != nullptr) settle_not_following(no_follow);
  make_output_absolute();
  // An image with a recorded parent had it said before.
  if (!size_understood && !settings.stay_off && settings.parent_trace == 0)
    say("TIDEMARK_MAX_TRACE_SIZE is not a size (such as 500M or 16GiB): the default is used");
  if (!snapshot_understood && !settings.stay_off && settings.parent_trace == 0)
    say("TIDEMARK_SNAPSHOT is not understood (exit, never, every=10s, growth=2, with commas): the default is used");
}

namespace {

// A decimal number with perhaps a fraction, in millionths; `at` moves behind it. False without digits, or too large.
bool parse_millionths(const char*& at, uint64_t& value) noexcept {
  constexpr uint64_t kMost = uint64_t{1} << 32;
  uint64_t whole = 0, fraction = 0, unit = 1'000'000;
  const char* const from = at;
  for (; *at >= '0' && *at <= '9'; ++at)
    if ((whole = whole * 10 + static_cast<uint64_t>(*at - '0')) > kMost) return false;
  if (*at == '.') {
    for (++at; *at >= '0' && *at <= '9'; ++at) {
      if (unit == 1) continue;
      unit /= 10;
      fraction += static_cast<uint64_t>(*at - '0') * unit;
    }
  }
  value = whole * 1'000'000 + fraction;
  return at != from;
}

bool parse_period(const char* text, size_t length, uint64_t& ns) noexcept {
  const char* at = text;
  uint64_t millionths = 0;
  if (!parse_millionths(at, millionths)) return false;
  constexpr struct {
    const char* name;
    uint64_t ns;
  } kUnits[] = {{"", 1'000'000'000}, {"s", 1'000'000'000},  {"ms", 1'000'000},       {"us", 1'000},
                {"ns", 1},           {"m", 60'000'000'000}, {"min", 60'000'000'000}, {"h", 3'600'000'000'000}};
  for (const auto& unit : kUnits) {
    if (static_cast<size_t>(text + length - at) != std::strlen(unit.name) ||
        std::strncmp(at, unit.name, std::strlen(unit.name)) != 0)
      continue;
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{millionths} * unit.ns / 1'000'000;
    ns = product > uint64_t{1} << 62 ? uint64_t{1} << 62 : static_cast<uint64_t>(product);
    return ns != 0;
  }
  return false;
}

}  // namespace

bool parse_snapshot(const char* text, SnapshotSettings& snapshot) noexcept {
  SnapshotSettings wanted = {false, 0, 0};
  for (;;) {
    const size_t length = std::strcspn(text, ",");
    const auto is = [&](const char* word) {
      return length == std::strlen(word) && std::strncmp(text, word, length) == 0;
    };
    const auto begins = [&](const char* word) { return std::strncmp(text, word, std::strlen(word)) == 0; };
    if (is("exit")) {
      wanted.at_exit = true;
    } else if (is("never")) {
      wanted = {false, 0, 0};
    } else if (begins("every=")) {
      if (!parse_period(text + 6, length - 6, wanted.period_ns)) return false;
    } else if (begins("growth=")) {
      const char* at = text + 7;
      uint64_t millionths = 0;
      if (!parse_millionths(at, millionths) || at != text + length || millionths <= 1'000'000) return false;
      const uint64_t percent = millionths / 10'000;
      wanted.growth_percent = percent > 1'000'000 ? 1'000'000 : percent < 101 ? 101 : static_cast<uint32_t>(percent);
    } else {
      return false;
    }
    if (text[length] == 0) break;
    text += length + 1;
  }
  snapshot = wanted;
  return true;
}

const char* absolute_library_path(const char* loader_name) noexcept {
  if (loader_name[0] == '/') return loader_name;
  while (loader_name[0] == '.' && loader_name[1] == '/') loader_name += 2;
  const size_t length = write_current_folder(absolute_library, sizeof(absolute_library));
  const size_t name = std::strlen(loader_name);
  if (length == 0 || length + name >= sizeof(absolute_library)) return loader_name;
  std::memcpy(absolute_library + length, loader_name, name + 1);
  return absolute_library;
}

void publish_as_parent() noexcept {
  if (parent_in_place != nullptr) write_parent(parent_in_place, trace_output.header());
}

void publish_no_parent() noexcept {
  if (parent_in_place != nullptr) write_parent(parent_in_place, nullptr);
}

EnvironmentNeeds exec_environment_needs(char* const* environment) noexcept {
  EnvironmentWriter counter;
  write_environment(counter, environment);
  return counter.changed() ? counter.used() : EnvironmentNeeds{};
}

char* const* exec_environment(char* const* environment, const EnvironmentNeeds& needs, void* memory) noexcept {
  if (needs.bytes() == 0) return environment;
  EnvironmentWriter writer(needs, memory);
  write_environment(writer, environment);
  return writer.changed() && writer.fits() ? static_cast<char* const*>(memory) : environment;
}

}  // namespace tidemark
