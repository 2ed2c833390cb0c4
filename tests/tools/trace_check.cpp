// trace_check TRACE...: the tests' own reader of traces, independent of the analyzer. Verifies a trace structurally and
// prints what it holds as one line of JSON per trace. Exit status 0: every trace was read and none has a problem.
//
// With --history ADDRESS also prints all events of one block, one a line, for the hunt after a problem.
//
// This file is the command and its JSON. What is checked is said where it is checked: the structure in
// trace_reader.cpp, the order of events in trace_merge.cpp. The end-to-end tests read the JSON by its names.
#include "trace_check.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace {

using namespace tidemark::trace_check;
using tidemark::trace::kHeaderFlagForked;

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char character : text) {
    const unsigned char byte = static_cast<unsigned char>(character);
    if (byte == '"' || byte == '\\')
      out += {'\\', character};
    else if (byte < 0x20 || byte >= 0x7f)
      out += format("\\u%04x", byte);  // bytes of other alphabets come out one by one: good enough to compare
    else
      out += character;
  }
  return out + "\"";
}

// An object or a list in the making.
class Json {
 public:
  explicit Json(char open) : text_(1, open), close_(open == '{' ? '}' : ']') {}
  Json& raw(const std::string& name, const std::string& value) { return item(quoted(name) + ": " + value); }
  Json& add(const std::string& name, uint64_t value) { return raw(name, std::to_string(value)); }
  Json& add(const std::string& name, const std::string& value) { return raw(name, quoted(value)); }
  Json& item(const std::string& value) {
    if (text_.size() > 1) text_ += ", ";
    text_ += value;
    return *this;
  }
  std::string str() const { return text_ + close_; }

 private:
  std::string text_;
  char close_;
};

template <class Item, class ToJson>
std::string list(const std::vector<Item>& items, ToJson to_json) {
  Json out('[');
  for (const Item& item : items) out.item(to_json(item));
  return out.str();
}

std::string report(const Trace& trace, const Findings& found) {
  Json out('{');
  out.add("path", trace.path)
      .add("unborn", trace.unborn ? 1 : 0)
      .add("pid", trace.header.pid)
      .add("parent_pid", trace.header.parent_pid)
      .add("image", trace.header.image);
  out.add("trace_id", trace.header.trace_id).add("parent_trace_id", trace.header.parent_trace_id);
  out.add("session_id", trace.header.session_id).add("forked", trace.header.flags & kHeaderFlagForked);
  out.add("end_kind", trace.header.end_kind).add("end_code", static_cast<uint32_t>(trace.header.end_code));
  out.add("stop_reason", trace.header.stop_reason).add("stop_errno", static_cast<uint32_t>(trace.header.stop_errno));
  out.add("executable", trace.text(trace.header.executable)).add("command_line", trace.text(trace.header.command_line));
  out.add("working_directory", trace.text(trace.header.working_directory));
  out.add("allocator", trace.text(trace.header.allocator)).add("operator_new", trace.text(trace.header.operator_new));
  out.add("file_bytes", trace.size)
      .add("disk_bytes", trace.disk_bytes)
      .add("claimed_bytes", trace.header.claimed_bytes);
  out.add("chunks", trace.chunk_count).add("empty_units", trace.empty_units).add("streams", trace.streams.size());
  Json lost('[');
  for (uint64_t count : trace.header.lost) lost.item(std::to_string(count));
  out.raw("lost", lost.str());
  Json unwind('{');
  const char* const names[] = {"events", "differences", "slow_path", "cut", "distinct_pcs", "unchecked"};
  for (size_t i = 0; i < std::size(names); ++i) unwind.add(names[i], trace.header.unwind_check[i]);
  out.raw("unwind_check", unwind.str());
  out.add("allocations", found.allocations()).add("frees", found.frees()).add("reallocs", found.reallocs);
  out.add("unknown_frees", found.unknown_frees)
      .add("allocated_over_live", found.allocated_over_live)
      .add("order_repairs", found.order_repairs)
      .add("timed", found.timed);
  out.add("total_bytes", found.total_bytes).add("peak_live_bytes", found.peak_live_bytes);
  out.add("live_bytes", found.live_bytes).add("live_blocks", found.live_blocks);
  out.add("end_allocations", found.end_allocations).add("end_frees", found.end_frees);
  out.add("end_live_bytes", found.end_live_bytes).add("end_live_blocks", found.end_live_blocks);
  out.add("life_end_kind", found.life_end_kind).add("life_end_status", found.life_end_status);
  out.add("nodes", trace.nodes.size())
      .add("deepest", found.deepest)
      .add("cut_events", found.cut_events)
      .add("no_stack", found.no_stack);
  out.add("samples", found.samples).add("maps", found.maps).add("unmaps", found.unmaps).add("remaps", found.remaps);
  out.raw("unknown_freed",
          list(found.unknown_addresses, [](uint64_t address) { return quoted(format("%#" PRIx64, address)); }))
      .raw("modules", list(found.modules, quoted))
      .add("module_unloads", found.unloads)
      .raw("marks", list(found.marks, quoted));
  out.raw("forks", list(found.forks, [](uint64_t pid) { return std::to_string(pid); }))
      .raw("spawns",
           list(found.spawns,
                [](const Spawn& spawn) { return Json('{').add("pid", spawn.pid).add("path", spawn.path).str(); }))
      .raw("execs", list(found.execs, quoted));
  out.add("exec_failures", found.exec_failures);
  Json threads('[');
  for (const auto& [serial, thread] : found.threads) {
    Json one('{');
    one.add("serial", serial).add("tid", thread.tid).add("name", thread.name);
    one.add("allocations", thread.allocations).add("frees", thread.frees);
    one.add("stack_low", thread.stack_low).add("stack_high", thread.stack_high);
    threads.item(one.str());
  }
  out.raw("threads", threads.str());
  out.add("problem_count", trace.problem_count).raw("problems", list(trace.problems, quoted));
  return out.str();
}

}  // namespace

int main(int argument_count, char** arguments) {
  bool good = argument_count > 1;
  if (!good) std::fputs("usage: trace_check [--history ADDRESS] TRACE...\n", stderr);
  uint64_t history_of = 0;
  for (int i = 1; i < argument_count; ++i) {
    if (std::strcmp(arguments[i], "--history") == 0 && i + 1 < argument_count) {
      history_of = std::strtoull(arguments[++i], nullptr, 16);
      continue;
    }
    Trace trace;
    Findings found;
    if (trace.open(arguments[i])) {
      trace.index();
      found = merge_events(trace, history_of);
    }
    std::puts(report(trace, found).c_str());
    good = good && trace.problem_count == 0;
  }
  return good ? 0 : 1;
}
