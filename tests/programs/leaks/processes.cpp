// Shapes of plugins that come and go, and of forked children.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "shapes.h"

namespace leaks {
namespace {

constexpr int kEntries = 20;
constexpr std::size_t kEntry = 200;

class Plugin {
 public:
  // The plugin lies beside the program.
  Plugin() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    std::string name(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    name.replace(name.rfind('/') + 1, std::string::npos, "libleaks_plugin.so");
    handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) {
      std::fprintf(stderr, "%s\n", dlerror());
      std::exit(2);
    }
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  void call(const char* function, int count) { reinterpret_cast<void (*)(int)>(dlsym(handle_, function))(count); }
  void close() { dlclose(handle_); }

 private:
  void* handle_;
};

// The plugin's static variable held them; with the plugin it is gone.
[[gnu::noinline]] void close_plugin() {
  Plugin plugin;
  plugin.call("plugin_fill", kEntries);
  plugin.close();
}

[[gnu::noinline]] void keep_plugin() {
  Plugin plugin;
  plugin.call("plugin_fill", kEntries);
}

// Thread-local storage of a plugin is a block that the loader made at its first use.
[[gnu::noinline]] void hold_in_plugin_tls() {
  Plugin plugin;
  plugin.call("plugin_fill_thread", kEntries);
}

[[gnu::noinline]] void lose_from_plugin_tls() {
  Plugin plugin;
  plugin.call("plugin_fill_thread", kEntries);
  plugin.call("plugin_forget_thread", 0);
}

// Forks; the parent waits for the child, which goes on. Both return from main.
[[gnu::noinline]] bool is_child() {
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) return true;
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) std::exit(3);
  return false;
}

[[gnu::noinline]] void make_before_fork() {
  for (int i = 0; i < 40; ++i) held_many[i] = take(kEntry);
}

[[gnu::noinline]] void lose_entries() {
  for (int i = 0; i < kEntries; ++i) forget(take(kEntry));
}

// What the parent made is held in both.
[[gnu::noinline]] void lose_in_child() {
  make_before_fork();
  if (is_child()) lose_entries();
}

// The child's blocks are held by a block that it inherited.
[[gnu::noinline]] void hold_in_child() {
  make_before_fork();
  if (!is_child()) return;
  auto** inherited = static_cast<void**>(held_many[7]);
  for (int i = 0; i < kEntries; ++i) inherited[i] = take(kEntry);
}

[[gnu::noinline]] void lose_in_parent() {
  make_before_fork();
  if (!is_child()) lose_entries();
}

[[gnu::noinline]] void free_in_parent() {
  make_before_fork();
  if (is_child()) return;
  for (int i = 0; i < 40; ++i) {
    std::free(held_many[i]);
    held_many[i] = nullptr;
  }
}

constexpr std::size_t kBytes = kEntries * kEntry;
constexpr Shape kShapes[] = {
    {"plugin_closed", close_plugin, keep_plugin, kEntries, kBytes},
    {"plugin_tls", lose_from_plugin_tls, hold_in_plugin_tls, kEntries, kBytes},
    {"fork_child", lose_in_child, hold_in_child, kEntries, kBytes},
    {"fork_parent", lose_in_parent, free_in_parent, kEntries, kBytes},
};

}  // namespace

std::span<const Shape> process_shapes() { return kShapes; }

}  // namespace leaks
