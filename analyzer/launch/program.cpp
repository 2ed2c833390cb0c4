#include "analyzer/launch/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace tidemark::launch {

SignalBlock::SignalBlock() {
  ::sigfillset(&blocked_);
  // Our own faults must end us; and signals of our own doing are not forwarded.
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGPIPE, SIGKILL, SIGSTOP}) {
    ::sigdelset(&blocked_, signal);
  }
  ::sigprocmask(SIG_BLOCK, &blocked_, &mask_before_);
  // An ignored SIGCHLD, which a parent can hand down, would reap the program before we learn its status.
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &action, &child_action_before_);
}

SignalBlock::~SignalBlock() { restore(); }

void SignalBlock::restore() const noexcept {
  ::sigaction(SIGCHLD, &child_action_before_, nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

Started start_program(const std::vector<std::string>& arguments, const Environment& environment,
                      const SignalBlock& signals) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  // The child reports a failed exec through this; a successful one closes it.
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return {-1, errno};
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int error = errno;
    ::close(report[0]);
    ::close(report[1]);
    return {-1, error};
  }
  if (pid == 0) {
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    ::setenv("TIDEMARK_RECORDED_PID", fmt::format("{}", ::getpid()).c_str(), 1);
    signals.restore();
    ::execvp(argv[0], argv.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t written = ::write(report[1], &error, sizeof(error));
    ::_exit(127);
  }
  ::close(report[1]);
  int error = 0;
  ssize_t got;
  do got = ::read(report[0], &error, sizeof(error));
  while (got < 0 && errno == EINTR);
  ::close(report[0]);
  if (got != static_cast<ssize_t>(sizeof(error))) return {pid, 0};
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {-1, error};
}

}  // namespace tidemark::launch
