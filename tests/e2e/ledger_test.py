#!/usr/bin/python3
"""The ledger of the resident set: programs of known shapes, with four allocators; its rows add up to what the program
itself reads in /proc/self/smaps_rollup, and less than 3% stay unexplained in every snapshot."""

import json
import subprocess

import inputs
from tidemark_testing import PROGRAMS, TIDEMARK, TestCase, counts_in, main, record, report

ALLOCATORS = ("libc", "jemalloc", "tcmalloc_minimal", "mimalloc")
MIB = 1 << 20
# What a program without a shape of its own has: code, libraries, the recorder.
SLACK = MIB
MOST_UNEXPLAINED = 0.03


def rows(ledger: list) -> dict:
    return {row["name"]: row["bytes"] for row in ledger}


def snapshot_of(document: dict, reason: str) -> dict:
    (found,) = [snapshot for snapshot in document["snapshots"] if snapshot["reason"] == reason]
    return found


class Ledger(TestCase):
    def assert_explained(self, document: dict, least=1):
        """All snapshots: the rows and what stays unexplained add up, and that is little."""
        seen = [snapshot for snapshot in document["snapshots"] if snapshot["rss_bytes"] is not None]
        self.assertGreaterEqual(len(seen), least)
        for snapshot in seen:
            self.assertEqual(sum(rows(snapshot["ledger"]).values()) + snapshot["unexplained_bytes"],
                             snapshot["rss_bytes"])
            self.assertLess(abs(snapshot["unexplained_bytes"]), MOST_UNEXPLAINED * snapshot["rss_bytes"], snapshot)
            live, here = snapshot["live_bytes"], rows(snapshot["ledger"]).get("live", 0)
            if not document["process"]["forked"]:
                # A block that is being allocated counts as live, and may not be there yet; and a block may lie outside
                # of the heap, as those that tcmalloc takes while it begins.
                self.assert_near(here + snapshot["live_absent_bytes"] + snapshot["live_swapped_bytes"], live,
                                 MIB + 131072)
            cached = sum(rows(snapshot["ledger"]).get(name, 0)
                         for name in ("free-pages", "pinned-pages", "free-between-blocks"))
            self.assertEqual(snapshot["allocator_cached_bytes"], cached)

    def shape(self, shape: str, allocator="libc", file=""):
        """The ledger at the moment that the program asked for, and what it said of itself: RSS, bytes."""
        recording = record([PROGRAMS / f"ledger_shapes_{allocator}", shape, file],
                           self.folder / f"{shape}.{allocator}", timeout=120)
        self.assertEqual(recording.status, 0, recording.stderr)
        document = recording.report_tree() if shape == "forked" else recording.report()
        if shape == "forked":
            (document,) = [one for one in document["reports"] if one["process"]["forked"]]
        for trace in recording.traces:
            trace.unlink()
        self.assert_explained(document, least=2)
        snapshot = snapshot_of(document, "client")
        rss, size = counts_in(recording.stdout)
        # The recorder goes on writing until the program reads its own figure, and after.
        self.assert_near(snapshot["rss_bytes"], rss, 2 * MIB)
        self.assertEqual(document["memory"]["ledger_source"], "end-snapshot")
        self.assertEqual(document["memory"]["rss_bytes_at_end"], document["memory"]["ledger_rss_bytes"])
        return snapshot, rows(snapshot["ledger"]), size, document

    def test_blocks_that_are_kept(self):
        for allocator in ALLOCATORS:
            with self.subTest(allocator=allocator):
                snapshot, found, size, _ = self.shape("full", allocator)
                self.assertGreater(found["live"], size)
                self.assertLess(found["live"], size + 4 * MIB)  # the table of blocks
                self.assertLess(found["rounding"], 0.2 * size)
                self.assertGreater(found["rounding"], 0.01 * size)
                self.assertLess(snapshot["allocator_cached_bytes"], 0.05 * snapshot["rss_bytes"])

    def test_freed_blocks_leave_pages(self):
        for allocator in ALLOCATORS:
            with self.subTest(allocator=allocator):
                snapshot, found, size, _ = self.shape("free", allocator)
                self.assertLess(size, 1000)
                # jemalloc gives pages back after a while, the others keep all 41 MB.
                self.assertGreater(found["free-pages"], 8 * MIB if allocator == "jemalloc" else 36 * MIB)
                self.assertLess(found.get("pinned-pages", 0), MIB)

    def test_few_blocks_pin_pages(self):
        for allocator in ALLOCATORS:
            with self.subTest(allocator=allocator):
                _, found, size, document = self.shape("pinned", allocator)
                # 2,000 blocks, most of them on a page of its own.
                self.assertGreater(found["pinned-pages"], 5 * MIB)
                self.assertLess(found["pinned-pages"], 2000 * 4096 + MIB)
                first = document["memory"]["pinned_by"][0]
                self.assertEqual((first["blocks"], first["bytes"]), (2000, size))
                self.assertIn("touched_block", [frame["function"] for frame in first["stack"]])
                self.assertGreater(first["released_bytes"], 5 * MIB)
                self.assertLessEqual(first["released_bytes"], first["pages"] * 4096)

    def test_half_of_the_blocks(self):
        for allocator in ALLOCATORS:
            with self.subTest(allocator=allocator):
                snapshot, found, size, _ = self.shape("half", allocator)
                self.assertGreater(snapshot["allocator_cached_bytes"], 0.8 * size)
                self.assertLess(snapshot["allocator_cached_bytes"], 1.3 * size)
                self.assertGreater(found["live"], size)

    def test_memory_that_was_never_touched(self):
        for allocator in ALLOCATORS:
            with self.subTest(allocator=allocator):
                snapshot, found, size, _ = self.shape("untouched", allocator)
                self.assertEqual(size, 8 * MIB)
                # The table of blocks is cleared memory, which some allocators touch.
                self.assertGreaterEqual(found["live"], size)
                self.assertLess(found["live"], size + 4 * MIB)
                self.assertGreater(snapshot["live_absent_bytes"], 55 * MIB)

    def test_threads_and_their_heaps(self):
        for allocator in ALLOCATORS:
            with self.subTest(allocator=allocator):
                snapshot, found, _, _ = self.shape("threads", allocator)
                self.assertGreater(found["pinned-pages"], 4 * MIB)
                self.assertGreater(snapshot["allocator_cached_bytes"], 10 * MIB)

    def test_large_blocks(self):
        for allocator in ALLOCATORS:
            with self.subTest(allocator=allocator):
                _, found, size, _ = self.shape("large", allocator)
                self.assertGreaterEqual(found["live"], size)
                self.assertLess(found["rounding"], 0.01 * size + 65536)

    def test_what_is_no_heap(self):
        document = self.folder / "file"
        document.write_bytes(bytes(range(256)) * (24 * MIB // 256))
        for shape, row in {"stacks": "thread-stacks", "mapped": "program-mappings", "shared": "shared-memory",
                           "memory_file": "shared-memory", "file": "mapped-files"}.items():
            with self.subTest(shape=shape):
                _, found, size, _ = self.shape(shape, file=document)
                self.assertGreaterEqual(size, 6 * MIB)
                self.assert_near(found[row], size, SLACK)

    def test_a_forked_process(self):
        snapshot, found, size, _ = self.shape("forked")
        self.assertGreater(found["live"], size - MIB)
        # Half of the parent's blocks were freed; of the child's memory nobody can tell them from the others.
        self.assertGreater(found["inherited"], 15 * MIB)
        self.assertLess(snapshot["rss_bytes"], 2.2 * size)

    def test_the_text_names_who_pins(self):
        recording = record([PROGRAMS / "ledger_shapes_libc", "pinned"], self.folder / "text", timeout=120)
        text = subprocess.run([TIDEMARK, "report", recording.trace()], capture_output=True, text=True, check=True,
                              timeout=120).stdout
        self.assertRegex(text, r"RESIDENT SET AT THE END  \d")
        self.assertRegex(text, r"\n +[\d.]+ MB +[\d.]+%  pinned-pages +free space")
        self.assertRegex(text, r"\n +2,000 blocks \([\d.]+ KB\) on [\d,]+ pages, from .*; [\d.]+ MB would be free to go")

    def test_a_killed_process_without_a_snapshot(self):
        recording = record(["/bin/sh", "-c", 'kill -KILL $$'], self.folder / "killed", timeout=60)
        memory = report(*recording.traces)["memory"]
        self.assertIn(memory["ledger_source"], ("sample", None))
        self.assertIsNone(memory["allocator_cached_bytes"])

    def test_real_programs(self):
        compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], capture_output=True, text=True,
                                  check=True).stdout.strip()
        commands = {
            "python3": ["/usr/bin/python3", inputs.python_script(self.folder, 4)],
            "sqlite3": ["sqlite3", ":memory:", f".read {inputs.sqlite_script(self.folder, 20_000)}"],
            "cc1plus": [compiler, "-quiet", "-fpreprocessed", "-std=c++20", "-O1",
                        inputs.preprocessed_templates(self.folder, 2), "-o", "/dev/null"],
            "jq": ["jq", "map(.prices | add) | add", inputs.json_items(self.folder, 20_000)],
        }
        for name, command in commands.items():
            with self.subTest(program=name):
                recording = record(command, self.folder / name, env={"PYTHONMALLOC": "malloc"}, timeout=120)
                self.assertEqual(recording.status, 0, recording.stderr)
                document = recording.report()
                recording.trace().unlink()
                self.assert_explained(document)
                self.assertEqual(document["memory"]["ledger_source"], "end-snapshot",
                                 json.dumps(document["snapshots"])[:2000])


if __name__ == "__main__":
    main()
