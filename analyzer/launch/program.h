// The recorded program as our child: started in the same process group and with the same descriptors, signal mask and
// dispositions that we were given, so that it cannot tell the difference.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "analyzer/base/result.h"
#include "analyzer/launch/library.h"

namespace tidemark::launch {

// Blocks every signal that can be forwarded (so that none is lost before the program runs) for as long as it lives,
// and makes children reapable whatever was inherited.
class SignalBlock {
 public:
  SignalBlock();
  ~SignalBlock();
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

  const sigset_t& blocked() const noexcept { return blocked_; }
  // In the child: everything as it was.
  void restore() const noexcept;

 private:
  sigset_t blocked_;
  sigset_t mask_before_;
  struct sigaction child_action_before_;
};

struct Started {
  pid_t pid = -1;
  int error = 0;  // not 0: the program could not be run, and there is no child
};

// Runs `arguments[0]` as execvp does, with `environment` set and TIDEMARK_RECORDED_PID naming it.
Started start_program(const std::vector<std::string>& arguments, const Environment& environment,
                      const SignalBlock& signals);

}  // namespace tidemark::launch
