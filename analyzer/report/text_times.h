// What happened over time, in the text report: a chart, and one table. The table's rows are the program's marks where
// these come at regular distances (the hours of a simulated day, the requests of a server): then they are its time
// axis. Otherwise the rows are hours, days or equal parts of the run, and the marks have a table of their own.
#pragma once

#include "analyzer/model/report.h"
#include "analyzer/report/text_lines.h"

namespace tidemark::report {

void write_times(Text& text, const model::Report& report);

}  // namespace tidemark::report
