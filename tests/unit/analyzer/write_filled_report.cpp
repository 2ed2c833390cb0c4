// The filled report as JSON on stdout, for report_command_test.py: alone, or with an argument as a tree of two.
#include "analyzer/report/json_report.h"
#include "tests/unit/analyzer/filled_report.h"

int main(int argc, char**) {
  using namespace tidemark;
  const model::Report report = testing::filled_report();
  if (argc == 1) return report::write_json(report, stdout) ? 0 : 1;
  report::JsonTree tree(stdout);
  tree.add(report);
  tree.add(report);
  return tree.finish() ? 0 : 1;
}
