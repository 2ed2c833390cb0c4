// Where the resident set is, in the JSON report.
#pragma once

#include <optional>

#include "analyzer/model/report.h"
#include "analyzer/report/json_writer.h"

namespace tidemark::report {

// Members of report.memory: the ledger of the end, and who pins pages.
void write_ledger(Json& json, const model::Report& report);
// Members of a snapshot.
void write_ledger(Json& json, const std::optional<model::Ledger>& ledger);

}  // namespace tidemark::report
