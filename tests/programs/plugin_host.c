// plugin_host PLUGIN...: a C program that opens C++ plugins with RTLD_LOCAL, so that no operator new is visible in the
// global scope. Prints what each plugin counted: operators new and deletes, and a table of their results.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

int main(int argument_count, char** arguments) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 1; i < argument_count; ++i) {
      void* library = dlopen(arguments[i], RTLD_NOW | RTLD_LOCAL);
      if (library == NULL) {
        printf("%s\n", dlerror());
        return 1;
      }
      int (*run)(void) = (int (*)(void))(uintptr_t)dlsym(library, "plugin_run");
      printf("round %d: %d\n", round, run == NULL ? -1 : run());
      dlclose(library);
    }
  }
  return 0;
}
