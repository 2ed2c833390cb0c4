# The test half: these programs were not used to choose the constants of the classifier, and must not be. Their labels
# are in labels.json.
set(TIDEMARK_VERDICT_TEST_PROGRAMS
  broker_sessions.c
  bulk_import.c
  crawler_workers.c
  csv_slurp.c
  db_proxy.cpp
  dns_cache.c
  dom_refcount.c
  etl_stages.c
  function_registry.cpp
  ir_passes.c
  job_retries.c
  json_gateway.cpp
  log_shipper.cpp
  mail_archive.cpp
  page_cache.cpp
  proxy_relay.c
  route_planner.cpp
  scrape_labels.cpp
  search_shards.cpp
  sheet_views.cpp
  symbol_interner.c
  thread_bursts.c
  tsdb_head.cpp
  websocket_upgrade.cpp
)
