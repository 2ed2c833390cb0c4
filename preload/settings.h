// The recorder's settings, from TIDEMARK_* variables of the process's initial environment, and the environment that
// exec'd images are given.
//
// Two variables are also written, in place, in that initial block, because system() and popen() hand it on without
// coming to a hook: TIDEMARK_PARENT (whose child the new image is) and TIDEMARK_NO_FOLLOW_FORK (somebody is recorded
// already).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemark {

// When heap snapshots are taken: TIDEMARK_SNAPSHOT, a list of exit, never, every=DURATION, growth=FACTOR.
struct SnapshotSettings {
  bool at_exit = true;
  uint32_t growth_percent = 200;  // of the resident memory at the last one; 0: not on growth
  uint64_t period_ns = 0;         // 0: not on a period
};

struct Settings {
  const char* output = "%e.%p.tidemark";  // TIDEMARK_OUTPUT, made absolute
  uint64_t max_trace_bytes = 0;           // TIDEMARK_MAX_TRACE_SIZE; 0: the default
  uint64_t session = 0;                   // TIDEMARK_SESSION: hexadecimal, from `tidemark run`
  SnapshotSettings snapshot;
  bool follow_fork = true;    // TIDEMARK_NO_FOLLOW_FORK=1 clears it
  bool check_unwind = false;  // TIDEMARK_CHECK_UNWIND=1
  uint32_t recorded_pid = 0;  // TIDEMARK_RECORDED_PID: the process that `tidemark run` started; 0: none
  // Forks and execs are not followed, and it is another process (recorded_pid), or an earlier image, that is
  // recorded: this one stays off, quietly.
  bool stay_off = false;
  // TIDEMARK_PARENT=TRACE:PID:IMAGE, set by the recorder for what comes after it: the trace (hexadecimal) of the
  // forking process or of the image before. All zero: none.
  uint64_t parent_trace = 0;
  uint32_t parent_pid = 0;
  uint32_t parent_image = 0;
};

extern constinit Settings settings;

// What the process was started with; pointers into the initial stack, valid for the process's life.
struct StartVectors {
  int argument_count = 0;
  char** arguments = nullptr;
  char** environment = nullptr;
};
StartVectors start_vectors() noexcept;

// Once, at the start of an image, when globals.pid is known. Says in one line what it cannot understand.
void read_settings(char** environment) noexcept;

// Bytes: a whole number, alone or with B, K, M, G, T, KB… or KiB… (all 1024-based, in either case). False if `text` is
// anything else or more than 64 bits hold; `bytes` is then left as it is.
[[nodiscard]] bool parse_size(const char* text, uint64_t& bytes) noexcept;

// TIDEMARK_SNAPSHOT's value: a list with commas, which replaces the default. False if anything in it is not understood;
// `snapshot` is then left as it is. DURATION: a number, perhaps with a point, and ns, us, ms, s (the default), min or
// m, h. FACTOR: above 1.
[[nodiscard]] bool parse_snapshot(const char* text, SnapshotSettings& snapshot) noexcept;

// The library's path as exec'd images can use it, from the loader's name for it, which is relative if LD_PRELOAD's
// entry was: to the current folder, so this is to be called before the program can change that. Valid for the
// process's life.
const char* absolute_library_path(const char* loader_name) noexcept;

// TIDEMARK_PARENT in the initial environment, if it is there with room (kParentBytes), becomes this process's own
// trace: call it whenever a trace has begun, with its header written.
void publish_as_parent() noexcept;
// In a child just forked, which has no trace yet: what it starts must not pass for its parent's child.
void publish_no_parent() noexcept;

// Length of TIDEMARK_PARENT's value as the recorder writes it: 16 hexadecimal digits, 10 and 6 decimal ones, colons.
inline constexpr size_t kParentBytes = 16 + 1 + 10 + 1 + 6;

// The environment for exec: `environment` with what recording needs put back (LD_PRELOAD, TIDEMARK_*), or with our
// library taken out if forks and execs are not to be followed. Nothing is allocated, and nothing else changed: fit for
// a vfork child. First how much it takes, then the same again into `memory`, which has needs.bytes() bytes, aligned for
// pointers, and must live as long as the result. The result is `environment` itself when nothing is to be changed
// (needs.bytes() is 0), or when another thread has changed it, or ended the recording, in between.
struct EnvironmentNeeds {
  size_t slots = 0;
  size_t text_bytes = 0;
  size_t bytes() const noexcept { return slots * sizeof(char*) + text_bytes; }
};
EnvironmentNeeds exec_environment_needs(char* const* environment) noexcept;
char* const* exec_environment(char* const* environment, const EnvironmentNeeds& needs, void* memory) noexcept;

}  // namespace tidemark
