#!/usr/bin/python3
"""What is lost is called lost, to the block and the byte, and nothing else is.

tests/programs/leaks makes the shapes that leak checkers are tested with, each leaking and fixed; what each loses stands
in its own table, which memcheck confirms. TIDEMARK_TEST_FULL=1: memcheck looks at both twins of both builds, else at
the leaking one of the unoptimized.
"""

import re
import shutil
import unittest

from tidemark_testing import BUILD, PROGRAMS, TestCase, main, record, run, scaled

LEVELS = ("o0", "o2")
# At or below it a finding says itself that it may be wrong.
LOW_CONFIDENCE = 0.3


def shapes(level):
    """Name, blocks and bytes that the leaking twin loses, kind, and why memcheck counts otherwise (else empty)."""
    table = run([PROGRAMS / f"leaks_{level}", "--table"]).stdout.decode()
    rows = [line.split("\t") for line in table.splitlines()]
    return [(name, int(blocks), int(size), kind, note) for name, blocks, size, kind, note in rows]


def lost(documents):
    """The findings of reports that say with some confidence that memory is lost."""
    return [finding for document in documents for finding in document["findings"]
            if finding["class"] == "true-leak" and finding["kind"].startswith("unreachable")
            and finding["confidence"] > LOW_CONFIDENCE]


def total(findings):
    return sum(finding["blocks"] for finding in findings), sum(finding["bytes"] for finding in findings)


class Shapes(TestCase):
    def record_shape(self, level, name, twin):
        folder = self.folder / f"{name}.{twin}.{level}"
        recording = record([PROGRAMS / f"leaks_{level}", name, twin], folder)
        self.assertEqual((recording.status, recording.stderr), (0, b""))
        documents = recording.report_tree()["reports"]
        for document in documents:
            exits = [one for one in document["snapshots"] if one["reason"] in ("main-returned", "exit")]
            self.assertEqual([one["complete"] for one in exits], [True], document["snapshots_skipped"])
        shutil.rmtree(folder)
        return documents

    def check_leaking(self, level):
        rows = shapes(level)
        self.assertGreaterEqual(len(rows), 20)
        for name, blocks, size, kind, _ in rows:
            with self.subTest(shape=name, twin="leak", level=level):
                found = lost(self.record_shape(level, name, "leak"))
                self.assertEqual(total(found), (blocks, size), [finding["stack"] for finding in found])
                kinds = {finding["kind"] for finding in found}
                if kind == "unreachable":
                    self.assertEqual(kinds, {kind})
                elif kind == "unreachable-cycle":
                    self.assertIn(kind, kinds)
                for finding in found:
                    self.assertEqual(finding["held_by"]["kind"], "none")
                    self.assertEqual(finding["direct_blocks"] + finding["indirect_blocks"], finding["blocks"])
                    self.assertEqual(finding["direct_bytes"] + finding["indirect_bytes"], finding["bytes"])

    def check_fixed(self, level):
        for name, *_ in shapes(level):
            with self.subTest(shape=name, twin="fixed", level=level):
                found = lost(self.record_shape(level, name, "fixed"))
                self.assertEqual(total(found), (0, 0), found)

    def test_leaking_unoptimized(self):
        self.check_leaking("o0")

    def test_leaking_optimized(self):
        self.check_leaking("o2")

    def test_fixed_unoptimized(self):
        self.check_fixed("o0")

    def test_fixed_optimized(self):
        self.check_fixed("o2")

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    def test_memcheck_says_the_same(self):
        """The table's figures are what memcheck calls definitely and indirectly lost when main is about to return."""
        compared = 0
        for level in scaled(LEVELS[:1], LEVELS):
            for name, blocks, size, _, note in shapes(level):
                for twin in scaled(("leak",), ("leak", "fixed")):
                    if note:
                        continue
                    with self.subTest(shape=name, twin=twin, level=level):
                        outcome = run(["valgrind", "--quiet", "--leak-check=full", "--log-file=/dev/null",
                                       PROGRAMS / f"leaks_{level}", name, twin])
                        self.assertEqual(outcome.status, 0)
                        figures = re.findall(rb"^memcheck: blocks=(\d+) bytes=(\d+)$", outcome.stdout, re.MULTILINE)
                        if not figures:
                            self.skipTest("built without valgrind's header")
                        expected = (blocks, size) if twin == "leak" else (0, 0)
                        self.assertEqual(tuple(sum(map(int, column)) for column in zip(*figures)), expected)
                        compared += 1
        self.assertGreaterEqual(compared, 20)


class Demos(TestCase):
    def record_demo(self, name, *options):
        recording = record([BUILD / "bin/demos" / name, "--seconds", "0.5", *options], self.folder / "traces")
        self.assertEqual((recording.status, recording.stderr), (0, b""))
        figures = re.findall(r"^(.*) at the end: blocks=(\d+) bytes=(\d+)$", recording.stdout.decode(), re.MULTILINE)
        (_, blocks, size), = figures
        return recording.report(), (int(blocks), int(size))

    def test_leak_is_held_by_its_store(self):
        document, held = self.record_demo("leak")
        self.assertEqual(lost([document]), [])
        found = [finding for finding in document["findings"] if finding["bytes"] > held[1] // 4]
        self.assertGreater(len(found), 0)
        for finding in found:
            self.assertEqual(finding["held_by"]["kind"], "global")
            self.assertIn("global_store", finding["held_by"]["symbol"])

    def test_cycle(self):
        document, expected = self.record_demo("cycle")
        found = lost([document])
        self.assertEqual(expected, (180_000, 10_080_000))
        self.assertEqual(total(found), expected)
        self.assertEqual(found[0]["kind"], "unreachable-cycle")
        self.assertEqual(sum(finding["copies"] for finding in found), 30_000)

    def test_cycle_collected(self):
        document, expected = self.record_demo("cycle", "--collect")
        self.assertEqual(expected, (0, 0))
        self.assertEqual(lost([document]), [])

    def test_transcriber(self):
        document, expected = self.record_demo("transcriber")
        found = lost([document])
        self.assertEqual(expected, (150, 81_008_800))
        self.assertEqual(total(found), expected)
        finding = found[0]
        self.assertEqual((finding["kind"], finding["copies"]), ("unreachable-cycle", 10))
        self.assertEqual(len(finding["cycle"]), 3)
        # From whichever of the three it is drawn.
        cycle = {step["type"]: step["offset"] for step in finding["cycle"]}
        for name, offset in (("ConversationTranscriber", 0x18), ("EventSignal", 0x30), ("on_transcribed", 0x10)):
            matching = [cycle[each] for each in cycle if name in each.partition("(")[0]]
            self.assertEqual(matching, [offset], cycle)
        payloads = [kept for kept in finding["keeps"] if kept["bytes"] == 81_000_000]
        self.assertEqual([kept["blocks"] for kept in payloads], [10])

    def test_transcriber_at_other_scales(self):
        document, expected = self.record_demo("transcriber", "--requests", "3", "--scale", "0.1")
        found = lost([document])
        self.assertEqual(total(found), expected)
        self.assertEqual(found[0]["copies"], 3)

    def test_transcriber_without_its_cycle(self):
        for option in ("--disconnect", "--weak"):
            with self.subTest(option):
                document, expected = self.record_demo("transcriber", option)
                self.assertEqual(expected, (0, 0))
                self.assertEqual(lost([document]), [])
                shutil.rmtree(self.folder / "traces")


if __name__ == "__main__":
    main()
