#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "analyzer/base/file.h"
#include "analyzer/launch/supervise.h"
#include "analyzer/launch/ticks.h"

namespace tidemark::launch {
namespace {

void forward(const signalfd_siginfo& info, pid_t pid) {
  const auto signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGCHLD) return;
  // The kernel's own come from the terminal (Ctrl-C, Ctrl-Z, a new window size, a hang-up), and it sent them to the
  // whole foreground group: the program has them already.
  if (info.ssi_code == SI_KERNEL) return;
  // The program's own signals to us, as its parent, are for us to have, not to send back.
  if (info.ssi_pid == static_cast<uint32_t>(pid)) return;
  if (info.ssi_code == SI_QUEUE) {
    sigval value{};
    value.sival_ptr = reinterpret_cast<void*>(info.ssi_ptr);
    ::sigqueue(pid, signal, value);
  } else {
    ::kill(pid, signal);
  }
}

// Stopped from the terminal, or for touching it from the background: then our shell must see us stopped, too. A program
// that somebody stopped with SIGSTOP goes on when somebody continues it.
bool stops_us(int status) {
  if (!WIFSTOPPED(status)) return false;
  const int signal = WSTOPSIG(status);
  return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

}  // namespace

int supervise(pid_t pid, const SignalBlock& signals, Sampler& sampler) {
  const File signal_file(::signalfd(-1, &signals.blocked(), SFD_CLOEXEC | SFD_NONBLOCK));
  int status = 0;
  for (;;) {
    const pid_t changed = ::waitpid(pid, &status, WNOHANG | WUNTRACED);
    if (changed == pid && (WIFEXITED(status) || WIFSIGNALED(status))) return status;
    if (changed < 0 && errno != EINTR) return 0;  // not our child any more: cannot happen while SIGCHLD is ours
    if (changed == pid && stops_us(status)) {
      ::kill(::getpid(), SIGSTOP);
      continue;
    }
    const uint64_t now = Moment::now().monotonic_ns;
    sampler.tick(now);

    const uint64_t wait = sampler.wait_ns(now);
    const timespec timeout{static_cast<time_t>(wait / 1'000'000'000), static_cast<long>(wait % 1'000'000'000)};
    pollfd poll_signals{signal_file.descriptor(), POLLIN, 0};
    ::ppoll(&poll_signals, 1, &timeout, nullptr);
    signalfd_siginfo info;
    while (::read(signal_file.descriptor(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info)))
      forward(info, pid);
  }
}

}  // namespace tidemark::launch
