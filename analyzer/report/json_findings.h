// The parts of a JSON report that show stacks and who holds what: members of the report's object.
#pragma once

#include "analyzer/model/report.h"
#include "analyzer/report/json_writer.h"

namespace tidemark::report {

// Members "stack" and "stack_cut" of the object under way.
void write_stack(Json& json, const model::Report& report, const model::Stack& stack);
// A member "growth", of a finding or of the whole report.
void write_growth(Json& json, const model::Growth& growth);
void write_findings(Json& json, const model::Report& report);
void write_peak_stacks(Json& json, const model::Report& report);
// Nothing without --who-holds.
void write_who_holds(Json& json, const model::Report& report);
// The snapshots, taken and skipped, and with --holders the tree.
void write_snapshots(Json& json, const model::Report& report);

}  // namespace tidemark::report
