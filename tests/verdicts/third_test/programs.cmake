# The third test set: written apart from the other three, for other domains again. No constant was chosen on these
# programs, and none may be. Their labels are in labels.json.
set(TIDEMARK_VERDICT_THIRD_TEST_PROGRAMS
  ballot_count.cpp
  calendar_push.cpp
  concordance.cpp
  dhcp_leases.c
  dns_authority.c
  elevator_control.cpp
  feed_handler.c
  ftp_server.c
  genome_aligner.c
  kanban_board.cpp
  lemma_table.cpp
  line_diff.c
  mesh_editor.cpp
  ocr_batches.cpp
  panorama_stitch.cpp
  repository_repack.c
  resolution_prover.cpp
  route_memo.cpp
  seismograph.c
  sheet_import.cpp
  ssh_multiplexer.c
  torrent_peers.cpp
  video_encoder.cpp
  wiki_export.cpp
)
