// The recorder's settings, from TIDEMARK_* variables of the process's initial environment, and the pieces of that
// environment that exec'd images are given again.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemark {

struct Settings {
  const char* output = "%e.%p.tidemark";  // TIDEMARK_OUTPUT
  uint64_t max_trace_bytes = 0;           // TIDEMARK_MAX_TRACE_SIZE: bytes, K/M/G/T (or KiB…) allowed; 0: the default
  uint64_t session = 0;                   // TIDEMARK_SESSION: hexadecimal, from `tidemark run`
  bool follow_fork = true;                // TIDEMARK_NO_FOLLOW_FORK=1 clears it
  bool check_unwind = false;              // TIDEMARK_CHECK_UNWIND=1
  uint32_t recorded_pid = 0;              // TIDEMARK_RECORDED_PID: without following, the only process to record
  // TIDEMARK_PARENT=TRACE:PID:IMAGE, set by the recorder for what it execs: the trace (hexadecimal) of the image
  // before.
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

void read_settings(char** environment) noexcept;

// The environment for exec: `environment` with what recording needs put back if it is missing (LD_PRELOAD, TIDEMARK_*),
// or with our library taken out if forks and execs are not to be followed. Pure stack work: `slots` must hold
// `exec_slots(environment)` pointers and `text` kExecTextBytes bytes; safe in a vfork child. Returns `environment`
// itself when nothing is to be changed.
inline constexpr size_t kExecTextBytes = 16384;
size_t exec_slots(char* const* environment) noexcept;
char* const* exec_environment(char* const* environment, char** slots, char* text) noexcept;

}  // namespace tidemark
