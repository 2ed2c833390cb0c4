#include "analyzer/report/json_ledger.h"

#include <vector>

#include "analyzer/report/json_findings.h"

namespace tidemark::report {
namespace {

template <class T>
std::optional<T> of(const std::optional<model::Ledger>& ledger, T model::Ledger::*member) {
  return ledger ? std::optional((*ledger).*member) : std::nullopt;
}

// What pages showed is not known without any.
template <class T>
std::optional<T> of_pages(const std::optional<model::Ledger>& ledger, T model::Ledger::*member) {
  return ledger && ledger->source != model::LedgerSource::kSample ? of(ledger, member) : std::nullopt;
}

void write_rows(Json& json, const std::optional<model::Ledger>& ledger) {
  json.objects("ledger", ledger ? ledger->rows : std::vector<model::LedgerRow>(), [&](const model::LedgerRow& row) {
    json.member("name", model::name(row.kind));
    json.member("bytes", row.bytes);
  });
  json.member("unexplained_bytes", of(ledger, &model::Ledger::unexplained_bytes));
  json.member("live_absent_bytes", of_pages(ledger, &model::Ledger::live_absent_bytes));
  json.member("live_swapped_bytes", of_pages(ledger, &model::Ledger::live_swapped_bytes));
}

}  // namespace

void write_ledger(Json& json, const std::optional<model::Ledger>& ledger) {
  json.member("rss_bytes", of(ledger, &model::Ledger::rss_bytes));
  json.member("allocator_cached_bytes", ledger ? ledger->allocator_cached_bytes() : std::nullopt);
  write_rows(json, ledger);
}

void write_ledger(Json& json, const model::Report& report) {
  const std::optional<model::Ledger>& ledger = report.memory.ledger;
  json.member("allocator_cached_bytes", report.memory.allocator_cached_bytes);
  json.member("ledger_source", ledger ? model::name(ledger->source) : nullptr);
  json.member("ledger_snapshot", ledger ? ledger->snapshot : std::nullopt);
  json.member("ledger_time_s", of(ledger, &model::Ledger::time_s));
  json.member("ledger_rss_bytes", of(ledger, &model::Ledger::rss_bytes));
  write_rows(json, ledger);
  json.member("swapped_bytes", of_pages(ledger, &model::Ledger::swapped_bytes));
  json.member("pinned_pages", of_pages(ledger, &model::Ledger::pinned_pages));
  json.member("pinning_sites", of_pages(ledger, &model::Ledger::pinning_sites));
  json.objects("pinned_by", ledger ? ledger->pinned_by : std::vector<model::PinningSite>(),
               [&](const model::PinningSite& site) {
                 json.member("blocks", site.blocks);
                 json.member("bytes", site.bytes);
                 json.member("pages", site.pages);
                 json.member("released_bytes", site.released_bytes);
                 write_stack(json, report, site.stack);
               });
}

}  // namespace tidemark::report
