// Reports as JSON (docs/report.schema.json), streamed: a report of a million frames needs no memory for its text.
#pragma once

#include <cstdio>
#include <memory>

#include "analyzer/base/result.h"
#include "analyzer/model/report.h"

namespace tidemark::report {

// One report, schema tidemark.report/1, and a newline.
Status write_json(const model::Report& report, std::FILE* to);

// Several reports, schema tidemark.report-tree/1: add each, then finish.
class JsonTree {
 public:
  explicit JsonTree(std::FILE* to);
  ~JsonTree();
  void add(const model::Report& report);
  Status finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tidemark::report
