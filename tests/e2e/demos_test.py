#!/usr/bin/python3
"""The demos keep what their header comments promise: one test per row of the table in demos/README.md records the demo
and finds its verdict, its holder or cycle, and the figures that it prints of itself in its report.

ROWS and `misses` are what bench/demos runs over and over, with other compilers and at other scales.
"""

import ctypes
import json
import os
import re
from dataclasses import dataclass

from tidemark_testing import BUILD, FULL, TestCase, main, record, report, run

# What a recorded process holds besides: the emergency pool of the C++ runtime, standard output's buffer, a string.
OTHER_BYTES, OTHER_BLOCKS = 128 << 10, 5

LEAK, RETAINED, CACHING, NO_GROWTH = "true-leak", "retained-by-design", "allocator-caching", "no-growth"


@dataclass(frozen=True)
class Row:
    """One row of the table: a demo, its flags, and what must come out."""

    demo: str
    flags: tuple[str, ...]
    classes: tuple[str, ...]
    kinds: tuple[str, ...] = ()  # none: any kind of the class
    confidence: tuple[float, float] = (0, 1)
    holder: str = ""  # the variable that holds the finding that decides
    cycle: tuple[str, ...] = ()  # what the types of its cycle's members contain
    held: tuple[int, int] | None = None  # blocks and bytes at the end, at scale 1; None: the demo alone knows
    status: int = 0

    @property
    def title(self):
        return " ".join((self.demo, *self.flags))


ROWS = (
    Row("hold", (), (RETAINED,), ("working-set",), holder="data", held=(1_000_001, 80_000_000)),
    Row("release", (), (NO_GROWTH,), ("released",), held=(0, 0)),
    Row("leak", (), (LEAK,), ("unbounded-retention",), holder="global_store", held=(1_200_001, 124_708_864)),
    Row("cycle", (), (LEAK,), ("unreachable-cycle",), cycle=("Runtime::create",) * 2, held=(180_000, 10_080_000)),
    Row("cycle", ("--collect",), (NO_GROWTH,), ("released",), held=(0, 0)),
    Row("transcriber", (), (LEAK,), ("unreachable-cycle",), confidence=(0.8, 1), held=(150, 81_008_800),
        cycle=("ConversationTranscriber", "EventSignal", "closure of on_transcribed")),
    Row("transcriber", ("--disconnect",), (NO_GROWTH,), held=(0, 0)),
    Row("transcriber", ("--weak",), (NO_GROWTH,), held=(0, 0)),
    Row("kv_cache", (), (RETAINED,), ("episodic",), held=(0, 0)),
    Row("token_stream", (), (RETAINED,), ("episodic",), held=(64_000, 3_840_000)),
    Row("token_stream", ("--never-flush",), (LEAK,), ("unbounded-retention",), holder="buffer",
        held=(1_344_000, 80_640_000)),
    Row("embedding_index", (), (RETAINED,), ("working-set",), holder="cells", held=(48_063, 39_627_520)),
    Row("allocator_cache", (), (CACHING,), ("free-pages",), held=(1, 1025)),
    Row("allocator_cache", ("--pinned",), (CACHING,), ("fragmentation",), held=(20_001, 3_201_025)),
    Row("allocator_cache", ("--allocator", "mimalloc"), (CACHING,), ("free-pages",), held=(1, 1025)),
    Row("sessions", (), (RETAINED,), ("episodic", "bounded-cache"), holder="sessions", held=(7600, 7_059_200)),
    Row("sessions", ("--abandon",), (LEAK,), ("unbounded-retention",), holder="sessions", held=(44_000, 32_236_800)),
    Row("maxrss", (), (NO_GROWTH,), ("released",), held=(100_048, 8_344_788)),
    Row("growth_cycles", (), (RETAINED, NO_GROWTH), confidence=(0.31, 0.79), held=(12_420, 94_221_648)),
    Row("server_hours", (), (LEAK,), ("unbounded-retention",), holder="frames", held=(60_816, 70_774_992)),
    Row("server_hours", ("--cleanup",), (RETAINED,), held=(9_410, 9_824_040)),
    Row("warm_up", (), (RETAINED,), ("bounded-cache", "working-set"), holder="compiled_pages",
        held=(15_001, 42_520_000)),
    Row("oom", (), (LEAK,), ("unbounded-retention",), holder="audit_log", status=137),
)


def runs_here(row):
    """Whether what the row needs is installed."""
    if "mimalloc" not in row.flags:
        return True
    try:
        return bool(ctypes.CDLL("libmimalloc.so.2"))
    except OSError:
        return False


def figures_in(output):
    """What a demo printed of itself, by moment: blocks and bytes."""
    return {what: (int(blocks), int(size)) for what, blocks, size in
            re.findall(r"^(.*): blocks=(\d+) bytes=(\d+)$", output.decode(), re.MULTILINE)}


def held_at_the_end(figures):
    return figures.get("held at the end") or figures["lost at the end"]


def deciding(document):
    """The findings of the verdict's class and kind, largest first."""
    verdict = document["verdict"]
    return [finding for finding in document["findings"]
            if (finding["class"], finding["kind"]) == (verdict["class"], verdict["kind"])]


def misses(row, document, symbols=True):
    """What of the row's verdict is not in the report; `symbols`: the program still has its names."""
    verdict = document["verdict"]
    found = []
    if verdict["class"] not in row.classes:
        found.append(f"class {verdict['class']}, not {' or '.join(row.classes)}")
    if row.kinds and verdict["kind"] not in row.kinds:
        found.append(f"kind {verdict['kind']}, not {' or '.join(row.kinds)}")
    if found or not symbols:
        return found
    if not row.confidence[0] <= verdict["confidence"] <= row.confidence[1]:
        found.append(f"confidence {verdict['confidence']}, not {row.confidence[0]} to {row.confidence[1]}")
    findings = deciding(document)
    if (row.holder or row.cycle) and not findings:
        return [*found, "no finding of the verdict's class and kind"]
    if row.holder:
        holder = findings[0]["held_by"]
        if holder["kind"] != "global" or row.holder not in (holder["symbol"] or ""):
            found.append(f"held by {holder['kind']} {holder['symbol']}, not {row.holder}")
    if row.cycle:
        types = [member["type"] for member in findings[0]["cycle"]]
        if len(types) != len(row.cycle) or not all(any(name in found_type for found_type in types)
                                                   for name in row.cycle):
            found.append(f"cycle of {types}, not of {row.cycle}")
    return found


class Demos(TestCase):
    """A method for each row that has figures of its own is called check_ and the row's title in snake case."""

    def check_row(self, row):
        if not runs_here(row):
            self.skipTest("not installed")
        recording = record([BUILD / "bin/demos" / row.demo, *row.flags], self.folder / "traces")
        self.assertEqual((recording.status, recording.stderr), (row.status, b""))
        # A demo that starts itself again has a trace for what it was before.
        self.assertEqual(len(recording.traces), 2 if "--allocator" in row.flags else 1)
        trace = recording.traces[-1]
        document = report(trace)
        self.assert_readers_agree(recording.check(trace), document)

        figures = figures_in(recording.stdout)
        held = held_at_the_end(figures)
        if row.held is not None:
            self.assertEqual(held, row.held)
        self.assert_holds(held, document["memory"]["live_blocks_at_end"], document["memory"]["live_bytes_at_end"])
        for mark in document["marks"]:
            expected = figures.get(mark["name"], figures.get(f"held {mark['name']}"))
            if expected:
                self.assert_holds(expected, mark["live_blocks"], mark["live_bytes"])
        self.assertEqual(misses(row, document), [], str(document["verdict"]))
        check = getattr(self, "check_" + name_of(row), None)
        if check:
            check(document, figures)

    def assert_holds(self, expected, blocks, size):
        """What the program counts itself, and little besides."""
        self.assertGreaterEqual(blocks, expected[0])
        self.assertLessEqual(blocks, expected[0] + OTHER_BLOCKS)
        self.assertGreaterEqual(size, expected[1])
        self.assertLessEqual(size, expected[1] + OTHER_BYTES)

    def assert_stays_resident(self, document, size):
        """The pages are there, nothing lives on most of them, and the ledger says so."""
        memory = document["memory"]
        self.assertGreater(memory["rss_bytes_at_end"], size)
        self.assertLess(memory["live_bytes_at_end"], size / 10)
        self.assertGreater(memory["allocator_cached_bytes"], size * 0.85)

    def assert_grows(self, document, size, marks):
        """The finding that decides grows to the end, by about `size` in so many marks."""
        growth = deciding(document)[0]["growth"] if deciding(document) else None
        self.assertIsNotNone(growth, document["verdict"])
        self.assertIn(growth["trend"], ("linear", "accelerating"))
        self.assertGreater(growth["bytes_per_hour"], 0)
        self.assertGreater(growth["bytes_per_mark"], size / marks / 2)
        self.assertLess(growth["bytes_per_mark"], size / marks * 2)

    def born_in(self, document, function):
        """Blocks and bytes that are live at the end and were allocated below a function."""
        found = [finding for finding in document["findings"]
                 if any(function in (frame["function"] or "") for frame in finding["stack"])]
        return sum(finding["blocks"] for finding in found), sum(finding["bytes"] for finding in found)

    def check_hold(self, document, figures):
        self.assertLess(document["memory"]["peak_live_bytes"], 80_000_000 + OTHER_BYTES)
        self.assertEqual(self.born_in(document, "normal_growth"), (1_000_001, 80_000_000))

    def check_release(self, document, figures):
        self.assertEqual(figures["held after normal_growth"], (1_000_001, 80_000_000))
        self.assertGreaterEqual(document["memory"]["peak_live_bytes"], 80_000_000)
        self.assertLess(document["memory"]["peak_live_bytes"], 80_000_000 + OTHER_BYTES)
        peak = document["peak_stacks"][0]
        self.assertEqual((peak["blocks"], peak["bytes"]), (1_000_000, 48_000_000))
        self.assertTrue(any("normal_growth" in (frame["function"] or "") for frame in peak["stack"]))
        # The pages went back, and maxrss did not.
        self.assertLess(document["memory"]["rss_bytes_at_end"], document["memory"]["max_rss_bytes"] / 4)

    def check_leak(self, document, figures):
        self.assertEqual(self.born_in(document, "::leak"), (1_200_001, 124_708_864))
        live = [mark["live_bytes"] for mark in document["marks"] if mark["name"].startswith("call ")]
        self.assertEqual(len(live), 60)
        self.assertEqual(live, sorted(live))
        self.assert_grows(document, 124_708_864, 60)

    def check_cycle_collect(self, document, figures):
        # All that the other row loses was there once: 180,000 blocks, in 60 rounds.
        self.assertGreater(document["memory"]["total_allocated_bytes"], 10_080_000)
        self.assertGreater(document["memory"]["peak_live_bytes"], 10_080_000 / 60)

    def check_transcriber(self, document, figures):
        lost = deciding(document)
        self.assertEqual(sum(finding["blocks"] for finding in lost), 150)
        self.assertEqual(sum(finding["bytes"] for finding in lost), 81_008_800)

    def check_kv_cache(self, document, figures):
        longest = figures["sequence 10 is complete"]
        self.assertEqual(longest, (3120, 25_190_400))
        self.assertGreaterEqual(document["memory"]["peak_live_bytes"], longest[1])
        self.assertLess(document["memory"]["peak_live_bytes"], longest[1] + OTHER_BYTES)
        dropped = [mark["live_bytes"] for mark in document["marks"] if mark["name"].endswith("dropped")]
        self.assertEqual(len(dropped), 10)
        self.assertLess(max(dropped), OTHER_BYTES)

    def check_token_stream(self, document, figures):
        flushed = [mark["live_bytes"] for mark in document["marks"] if mark["name"].startswith("flush ")]
        self.assertEqual(len(flushed), 10)
        self.assertLess(max(flushed), OTHER_BYTES)
        self.assertGreaterEqual(document["memory"]["peak_live_bytes"], 2 * 3_840_000)

    def check_embedding_index(self, document, figures):
        marks = {mark["name"]: mark["live_bytes"] for mark in document["marks"]}
        self.assertEqual(marks["ingested"], marks["queried"])

    def check_allocator_cache(self, document, figures):
        self.assert_stays_resident(document, figures["analysed"][1])

    def check_allocator_cache_allocator_mimalloc(self, document, figures):
        self.assert_stays_resident(document, figures["analysed"][1])

    def check_allocator_cache_pinned(self, document, figures):
        self.assert_stays_resident(document, figures["analysed"][1])
        # Who pins the pages.
        pinning = [finding for finding in document["findings"] if finding["kind"] == "fragmentation"]
        self.assertIn("make_records", json.dumps(pinning))

    def check_maxrss(self, document, figures):
        marks = {mark["name"]: mark for mark in document["marks"]}
        self.assertEqual(len(marks), 6)
        self.assertEqual(figures["after load"], (400_179, 87_700_019))
        # maxrss is a high-water mark; live bytes and RSS fall.
        self.assertEqual(marks["after load"]["max_rss_bytes"], marks["after cleanup"]["max_rss_bytes"])
        self.assertLess(marks["after cleanup"]["rss_bytes"], marks["after load"]["rss_bytes"] / 3)

    def check_growth_cycles(self, document, figures):
        self.assertEqual(figures["cycle 1"], (11_930, 93_927_648))
        live = [mark["live_bytes"] for mark in document["marks"] if mark["name"].startswith("cycle ")]
        self.assertEqual(len(live), 5)
        self.assertAlmostEqual(live[4] / live[0] - 1, 0.0031, places=3)

    def check_server_hours(self, document, figures):
        self.assertEqual(figures["hour 0"], (8_040, 8_393_760))
        live = [mark["live_bytes"] for mark in document["marks"]]
        self.assertEqual(len(live), 121)
        self.assertEqual(live, sorted(live))
        self.assert_grows(document, 70_774_992 - 8_393_760, 120)

    def check_server_hours_cleanup(self, document, figures):
        self.assertEqual(figures["hour 0"], (8_934, 9_327_096))
        self.assertEqual(len(document["marks"]), 121)

    def check_warm_up(self, document, figures):
        live = {mark["name"]: mark["live_bytes"] for mark in document["marks"]}
        self.assertLess(live["hour 1"], 0.7 * live["hour 24"])
        self.assertGreater(live["hour 4"], 0.97 * live["hour 24"])
        self.assertEqual(live["hour 12"], live["hour 24"])

    def check_oom(self, document, figures):
        self.assertEqual(document["process"]["end"], {"kind": "signaled", "code": 9})
        self.assertGreater(held_at_the_end(figures)[1], 90 << 20)
        self.assertEqual(self.born_in(document, "log_requests"), held_at_the_end(figures))


def name_of(row):
    return re.sub("[^a-z]+", "_", row.title)


def add_tests():
    for row in ROWS:
        setattr(Demos, "test_" + name_of(row), lambda self, row=row: self.check_row(row))


add_tests()


class KilledByTheKernel(TestCase):
    """`oom` in a cgroup with a limit: nothing in the process knows that it is about to end."""

    def test_oom(self):
        with self.memory_group(110 << 20) as members:
            recording = record([BUILD / "bin/demos/oom", "--limit-mb", "0"], self.folder / "traces",
                               preexec_fn=lambda: members.write_text(str(os.getpid())))
        self.assertEqual(recording.status, 137)
        document = recording.report()
        self.assertEqual(document["process"]["end"], {"kind": "signaled", "code": 9})
        self.assertGreater(document["memory"]["live_bytes_at_end"], 80 << 20)
        (row,) = (row for row in ROWS if row.demo == "oom")
        self.assertEqual(misses(row, document), [], str(document["verdict"]))


class ResidentSets(TestCase):
    """The resident sets that the documents give, in MB, are those of the demos when nothing records them. At their full
    size within 1%; the tenth of it that is the default has the same process around it, and differs more."""

    def assert_resident(self, command, expected, tolerance):
        native = run([BUILD / "bin/demos" / command[0], *command[1:]])
        self.assertEqual((native.status, native.stderr), (0, b""))
        found = [float(size) for size in re.findall(r"([\d.]+) MB resident", native.stdout.decode())][-len(expected):]
        self.assertEqual(len(found), len(expected))
        for resident, document in zip(found, expected):
            self.assertLess(abs(resident / document - 1), tolerance, f"{command}: {found}, expected {expected}")

    def test_growth_cycles(self):
        self.assert_resident(["growth_cycles"], [92.6, 92.8, 92.9, 93.0, 93.0], 0.01)

    def test_server_hours(self):
        for flags, hours in ([], [111, 250, 390, 530, 670, 713]), (["--cleanup"], [120, 122, 124, 125, 125, 126]):
            self.assert_resident(["server_hours", *flags], [size / 10 for size in hours], 0.05)
            if FULL:
                self.assert_resident(["server_hours", "--scale", "10", *flags], hours, 0.01)

    def test_maxrss(self):
        native = run([BUILD / "bin/demos/maxrss"])
        found = [float(size) for size in re.findall(r"'max_rss_mb': ([\d.]+)", native.stdout.decode())]
        self.assertEqual(len(found), 2)
        for size in found:
            self.assertLess(abs(size / 91.86 - 1), 0.01)


if __name__ == "__main__":
    main()
