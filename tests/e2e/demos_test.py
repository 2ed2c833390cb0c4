#!/usr/bin/python3
"""The demos keep what their header comments promise: the figures that they print of themselves are in their reports."""

import re

from tidemark_testing import BUILD, TestCase, main, record

# What a recorded process holds besides: the emergency pool of the C++ runtime, standard output's buffer, a string.
OTHER_BYTES, OTHER_BLOCKS = 128 << 10, 5


class Demos(TestCase):
    def record_demo(self, name):
        recording = record([BUILD / "bin/demos" / name, "--seconds", "0.5"], self.folder / "traces")
        self.assertEqual((recording.status, recording.stderr), (0, b""))
        figures = {what: (int(blocks), int(size)) for what, blocks, size in
                   re.findall(r"^(.*): blocks=(\d+) bytes=(\d+)$", recording.stdout.decode(), re.MULTILINE)}
        document = recording.report()
        self.assert_readers_agree(recording.check(), document)
        memory = document["memory"]
        held = figures["held at the end"]
        self.assert_holds(held, memory["live_blocks_at_end"], memory["live_bytes_at_end"])
        for mark in document["marks"]:
            expected = figures.get(mark["name"], figures.get(f"held {mark['name']}"))
            if expected:
                self.assert_holds(expected, mark["live_blocks"], mark["live_bytes"])
        return document, held

    def assert_holds(self, expected, blocks, size):
        """What the program counts itself, and little besides."""
        self.assertGreaterEqual(blocks, expected[0])
        self.assertLessEqual(blocks, expected[0] + OTHER_BLOCKS)
        self.assertGreaterEqual(size, expected[1])
        self.assertLessEqual(size, expected[1] + OTHER_BYTES)

    def functions(self, stack):
        return [frame["function"] or "" for frame in stack]

    def test_hold(self):
        document, held = self.record_demo("hold")
        self.assertEqual(held, (1_000_001, 80_000_000))
        self.assertLess(document["memory"]["peak_live_bytes"], held[1] + OTHER_BYTES)
        finding = document["findings"][0]
        self.assertEqual((finding["blocks"], finding["bytes"]), (1_000_000, 48_000_000))
        self.assertTrue(any("normal_growth" in name for name in self.functions(finding["stack"])))

    def test_release(self):
        document, held = self.record_demo("release")
        self.assertEqual(held, (0, 0))
        self.assertGreaterEqual(document["memory"]["peak_live_bytes"], 80_000_000)
        self.assertLess(document["memory"]["peak_live_bytes"], 80_000_000 + OTHER_BYTES)
        peak = document["peak_stacks"][0]
        self.assertEqual((peak["blocks"], peak["bytes"]), (1_000_000, 48_000_000))
        self.assertTrue(any("normal_growth" in name for name in self.functions(peak["stack"])))
        # The pages went back, and maxrss did not.
        self.assertLess(document["memory"]["rss_bytes_at_end"], document["memory"]["max_rss_bytes"] / 4)

    def test_leak(self):
        document, held = self.record_demo("leak")
        self.assertEqual(held, (1_200_001, 124_708_864))
        for finding in document["findings"][:2]:
            self.assertTrue(any("leak" in name for name in self.functions(finding["stack"])))
        live = [mark["live_bytes"] for mark in document["marks"] if mark["name"].startswith("call ")]
        self.assertEqual(len(live), 60)
        self.assertEqual(live, sorted(live))

    def test_maxrss(self):
        document, held = self.record_demo("maxrss")
        self.assertEqual(held, (100_048, 8_344_788))
        marks = {mark["name"]: mark for mark in document["marks"]}
        self.assertEqual(len(marks), 6)
        self.assert_holds((400_179, 87_700_019), marks["after load"]["live_blocks"], marks["after load"]["live_bytes"])
        # maxrss is a high-water mark; live bytes and RSS fall.
        self.assertEqual(marks["after load"]["max_rss_bytes"], marks["after cleanup"]["max_rss_bytes"])
        self.assertLess(marks["after cleanup"]["rss_bytes"], marks["after load"]["rss_bytes"] / 3)


if __name__ == "__main__":
    main()
