# The second test set: written apart from the other two, for other domains, when the classifier was nearly done. No
# constant was chosen on these programs, and none may be. Their labels are in labels.json.
set(TIDEMARK_VERDICT_SECOND_TEST_PROGRAMS
  build_graph.cpp
  chat_context.cpp
  chess_book.c
  ci_jobs.c
  flight_recorder.c
  glyph_cache.cpp
  imap_store.cpp
  iot_gateway.c
  mailbox_compact.c
  matchmaker.cpp
  metric_agent.c
  music_player.cpp
  nightly_settlement.cpp
  path_tracer.c
  pdf_pages.c
  rigid_bodies.cpp
  room_presence.cpp
  scene_import.cpp
  script_bot.c
  speech_lattice.cpp
  terrain_query.cpp
  thumbnail_lru.cpp
  tile_server.cpp
  utterance_buffer.c
)
