// A server over 120 simulated hours, with a mark for each. Every request reads a data frame and makes an object in the
// mapper's identity map; nobody deletes the ones and clears the other.
//
//   verdict    true-leak / unbounded-retention, held by the globals `frames` and `identity_map`
//   evidence   live bytes grow in every hour up to the end; nothing that a request left behind is ever freed
//   figures    resident natively at --scale 10, in MB, and in the documents; the default is a tenth of it:
//                hour           0     24     48     72     96    120
//                here       110.9  249.9  389.9  529.9  669.9  712.9
//                documents    111    250    390    530    670    713
//              by default 8,393,760 bytes are live at hour 0 and 70,774,992 at hour 120
//
// --cleanup deletes the frames, clears the identity map and gives free pages back at the end of each hour. What is left
// to grow is the cache of compiled statements, until it has them all:
//
//   verdict    retained-by-design
//   evidence   the second half of the run is flat; what requests make is gone at the hour's end
//   figures    likewise:
//                hour           0     24     48     72     96    120
//                here       119.9  122.0  124.1  125.1  125.3  125.8
//                documents    120    122    124    125    125    126
//              by default 9,327,096 bytes are live at hour 0 and 9,824,040 at hour 120
//
// The documents' figures are resident sets. The program makes its live bytes from them by a plan that knows what a
// native process needs besides (kProcess), so that every run allocates the same; the live bytes at every 24th hour are
// printed, exactly. Under a recorder the resident set is higher by the recorder's own memory.

#include <array>
#include <cmath>
#include <list>
#include <map>
#include <utility>

#include "demo.h"
#include "tidemark.h"

namespace {

constexpr std::size_t kHours = 120;
constexpr double kMegabyte = 1024 * 1024;
// Resident without any data: the program, libstdc++, libc, their data, and what malloc starts with.
constexpr double kProcess = 3.0 * kMegabyte;
// malloc's headers and rounding on top of blocks of the sizes used here.
constexpr double kMallocOverhead = 1.012;

// At an hour, so much is resident at --scale 10; in between it grows evenly.
struct Point {
  double hour;
  double megabytes;
};
using Plan = std::array<Point, 7>;
constexpr Plan kLeaking = {{{0, 111}, {24, 250}, {48, 390}, {72, 530}, {96, 670}, {108, 691.5}, {120, 713}}};
// The documents' figures are rounded: 125, 125 and 126 MB are three points of a plateau at 125.5. Up to half a megabyte
// of it is free space between the statements that requests leave when they are gone.
constexpr Plan kCleanedUp = {
    {{0, 120}, {24, 121.9}, {48, 123.8}, {60, 124.5}, {72, 124.6}, {96, 124.65}, {120, 124.8}}};

// What one request reads: the columns of a table.
struct Frame {
  std::array<std::vector<double>, 4> columns;
};

// What the mapper keeps for one row, by its key.
struct Entity {
  std::string title;
  std::string document;
};

// Alive until after main, like the modules of the documents' server.
std::list<std::string> statements;
std::list<Frame> frames;
std::map<std::size_t, Entity> identity_map;
std::size_t requests_handled = 0;

constexpr std::size_t kRowsPerFrame = 256;
constexpr std::size_t kDocument = 999;
constexpr std::size_t kStatement = 2039;

[[gnu::noinline]] void read_frame() {
  Frame& frame = frames.emplace_back();
  for (std::vector<double>& column : frame.columns) {
    column.reserve(kRowsPerFrame);
    for (std::size_t row = 0; row < kRowsPerFrame; ++row) column.push_back(static_cast<double>(row));
  }
}

[[gnu::noinline]] void map_entity(std::size_t key) {
  identity_map.emplace(key, Entity{demo::numbered_string(key), std::string(kDocument, 'd')});
}

void handle_request() {
  read_frame();
  map_entity(requests_handled++);
}

[[gnu::noinline]] void compile_statement() { statements.emplace_back(kStatement, 's'); }

void clean_up() {
  frames.clear();
  identity_map.clear();
  demo::return_free_pages();
}

demo::Tally count_live() {
  // Of the nodes of libstdc++'s containers.
  constexpr std::size_t kListLinks = 16;
  constexpr std::size_t kMapLinks = 32;
  demo::Tally tally;
  for (const std::string& statement : statements) {
    tally.add_block(kListLinks + sizeof(std::string));
    tally.add(statement);
  }
  for (const Frame& frame : frames) {
    tally.add_block(kListLinks + sizeof frame);
    for (const std::vector<double>& column : frame.columns) tally.add(column);
  }
  for (const auto& mapped : identity_map) {
    tally.add_block(kMapLinks + sizeof mapped);
    tally.add(mapped.second.title);
    tally.add(mapped.second.document);
  }
  return tally;
}

// How many live bytes the plan has at an hour; `scale` is 1 at a tenth of the documents' figures.
double planned_bytes(const Plan& plan, double hour, double scale) {
  std::size_t next = 1;
  while (plan[next].hour < hour) ++next;
  const Point& from = plan[next - 1];
  const Point& to = plan[next];
  const double megabytes =
      from.megabytes + (to.megabytes - from.megabytes) * (hour - from.hour) / (to.hour - from.hour);
  return (megabytes * scale / 10 * kMegabyte - kProcess) / kMallocOverhead;
}

// Repeats `step`, which makes as much every time, until the live bytes of the plan are reached; at least once.
template <typename Step>
void grow_to(double planned, Step step) {
  const std::size_t live = count_live().bytes;
  std::size_t steps = 0;
  std::size_t needed = 1;
  while (steps < needed) {
    step();
    if (++steps != 1) continue;
    const auto made = static_cast<double>(count_live().bytes - live);
    needed = static_cast<std::size_t>(std::ceil(std::fmax(1, (planned - static_cast<double>(live)) / made)));
  }
}

void print_resident(const char* moment) {
  std::printf("At %s: %.2f MB resident\n", moment, static_cast<double>(demo::rss_bytes()) / kMegabyte);
}

void mark_hour(std::size_t hour) {
  const std::string name = "hour " + std::to_string(hour);
  tidemark_mark(name.c_str());
  if (hour % 24 != 0) return;
  print_resident(name.c_str());
  demo::print_tally(name.c_str(), count_live());
}

}  // namespace

int main(int argc, char** argv) {
  const bool cleanup = demo::take_flag(argc, argv, "--cleanup");
  const demo::Options options = demo::parse_options(argc, argv);
  const Plan& plan = cleanup ? kCleanedUp : kLeaking;
  const std::size_t requests = options.scaled(60);

  demo::handle_requests(2000);
  for (std::size_t i = 0; i < requests; ++i) handle_request();
  clean_up();
  print_resident("start");
  grow_to(planned_bytes(plan, 0, options.scale), compile_statement);
  mark_hour(0);

  demo::Pace pace(options.seconds, kHours);
  for (std::size_t hour = 1; hour <= kHours; ++hour) {
    const double planned = planned_bytes(plan, static_cast<double>(hour), options.scale);
    demo::handle_requests(2000);
    if (cleanup) {
      for (std::size_t i = 0; i < requests; ++i) handle_request();
      clean_up();
      if (static_cast<double>(count_live().bytes) < planned) grow_to(planned, compile_statement);
    } else {
      grow_to(planned, handle_request);
    }
    mark_hour(hour);
    pace.wait();
  }

  demo::print_tally("held at the end", count_live());
}
