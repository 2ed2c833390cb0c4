#include "cases.h"

#include "tidemark.h"

namespace cases {

std::optional<tombo::Interpreter> interpreter;
tombo::MemoryUse last_marked;

void start(const Options& options, const tombo::Interpreter::Options& interpreter_options) {
  if (!interpreter) {
    tombo::Interpreter::Options all = interpreter_options;
    all.on_mark = [](const char* moment) { mark(moment); };
    interpreter.emplace(all);
  }
  interpreter->run(R"(
    defi handle_requests(count) =>
      let session = []
      for i in range(count)
        append(session, "request " + str(i) + " of those that come in all the time")
      end
      len(session)
    end
  )");
  work(options.seconds / 8, 20, options.scaled(kRequests));
  mark("interpreter started");
}

void work(double seconds, int rounds, std::size_t requests, std::string_view program) {
  set("requests", requests);
  demo::Pace pace(seconds, rounds);
  for (int round = 0; round < rounds; ++round) {
    interpreter->run("handle_requests(requests)");
    if (!program.empty()) interpreter->run(program);
    pace.wait();
  }
}

tombo::MemoryUse mark(const char* moment) {
  last_marked = tombo::memory_use;
  tidemark_mark(moment);
  demo::print_tally(moment, {last_marked.blocks, last_marked.bytes});
  return last_marked;
}

void set(std::string_view name, std::size_t number) {
  interpreter->set_global(name, tombo::Value::integer(static_cast<std::int64_t>(number)));
}

}  // namespace cases
