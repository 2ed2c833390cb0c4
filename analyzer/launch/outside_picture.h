// Pictures of the heap read from outside, of a process that sleeps: it cannot take one itself, since nothing of the
// recorder's runs in it.
//
// As long as all its threads sleep nothing has to be stopped: their stack pointers and the memory are read through
// /proc, and if a thread woke up meanwhile, the picture is thrown away. A thread that computes without ever coming to
// the recorder is held by ptrace for as long as the reading takes (about a second a gigabyte).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "analyzer/base/result.h"
#include "analyzer/launch/outside_trace.h"
#include "trace/records.h"

namespace tidemark::launch {

struct OutsidePicture {
  enum class Outcome { kTaken, kWokeUp, kNotAllowed };
  Outcome outcome = Outcome::kWokeUp;
  bool held = false;    // threads were stopped meanwhile
  double seconds = 0;   // that the reading took
  std::string problem;  // with kNotAllowed
};

// `stream_cuts`: where the streams of events end now; taken before, and still right if nothing woke up. `hold`: stop
// what runs instead of giving up.
OutsidePicture take_outside_picture(OutsideTrace& trace, pid_t pid,
                                    const std::vector<trace::StreamCutRecord>& stream_cuts, bool hold);

}  // namespace tidemark::launch
