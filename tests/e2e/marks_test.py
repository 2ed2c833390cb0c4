#!/usr/bin/python3
"""Marks, limits and bounds as users see them: what happened between marks, against the figures that the program counts
itself; the tables of the text report; limits that the kernel sets; what is wrong with --bound."""

import os
import re
import resource
import subprocess

from tidemark_testing import BUILD, TIDEMARK, TestCase, main, record, run

# What a recorded process holds besides what the demos count: see demos_test.
OTHER_BYTES, OTHER_BLOCKS = 128 << 10, 5
MAXRSS = BUILD / "bin/demos/maxrss"
MEGABYTE = 1 << 20


def megabytes(text):
    """The bytes of "91.9 MB", as the text report writes them, and how far off they may be."""
    number, unit = text.split()
    factor = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[unit]
    return float(number) * factor, 0.06 * factor if unit != "B" else 0


class Marks(TestCase):
    def setUp(self):
        super().setUp()
        self.recording = record([MAXRSS, "--seconds", "0.5"], self.folder / "traces")
        self.assertEqual(self.recording.status, 0)
        self.stdout = self.recording.stdout.decode()
        self.counts = {what: (int(blocks), int(size)) for what, blocks, size in
                       re.findall(r"^(.*): blocks=(\d+) bytes=(\d+)$", self.stdout, re.MULTILINE)}
        self.marks = self.recording.report()["marks"]

    def test_before_after_freed_objects(self):
        """The clean-up of the documents: Before, After, Freed, Objects at each of its steps."""
        steps = ["after load", "tables deleted", "identity map cleared", "garbage collected", "connection pool disposed",
                 "after cleanup"]
        self.assertEqual([mark["name"] for mark in self.marks], steps)
        before = {"live_bytes": 0, "live_blocks": 0}
        for mark in self.marks:
            for what in ("bytes", "blocks"):
                self.assertEqual(mark[f"before_live_{what}"], before[f"live_{what}"])
                self.assertEqual(mark[f"before_live_{what}"] + mark[f"allocated_{what}"] - mark[f"freed_{what}"],
                                 mark[f"live_{what}"])
            before = mark
        for step, mark in zip(steps[1:5], self.marks[1:5]):
            with self.subTest(step):
                (blocks_before, bytes_before), (blocks, size) = self.counts[steps[steps.index(step) - 1]], self.counts[step]
                self.assert_near(mark["freed_blocks"], blocks_before - blocks, 64)  # printing allocates a little
                self.assert_near(mark["freed_bytes"], bytes_before - size, OTHER_BYTES)
                self.assertLess(mark["allocated_bytes"], OTHER_BYTES)
        # The collector's own count, two blocks an object.
        collected = int(re.search(r"Objects=(\d+)", self.stdout).group(1))
        self.assertEqual(collected, 47)
        self.assertEqual(self.marks[3]["freed_blocks"], 2 * collected)

    def test_the_table_of_marks(self):
        text = run([TIDEMARK, "report", self.recording.trace()]).stdout.decode()
        table = text[text.index("\nMARKS"):].split("\n\n")[0].strip().splitlines()
        self.assertEqual(table[1].split(), ["time", "before", "allocated", "freed", "after", "change", "objects", "freed",
                                            "RSS", "maxrss", "mark"])
        self.assertEqual(len(table), 2 + len(self.marks))
        for line, mark in zip(table[2:], self.marks):
            self.assertTrue(line.endswith("  " + mark["name"]))
            cells = re.findall(r"[+-]?[\d.]+ [KMG]?B", line)
            for cell, key in zip(cells[:4], ("before_live_bytes", "allocated_bytes", "freed_bytes", "live_bytes")):
                value, slack = megabytes(cell)
                self.assert_near(value, mark[key], slack, f"{mark['name']}: {key}")
            self.assertIn(f" {mark['freed_blocks']:,} ", line)
        # Marks of one clean-up are no time axis: the run has a table of its own, which ends with what was live then.
        over_time = text[text.index("\nOVER TIME"):text.index("\nMARKS")].strip().splitlines()
        self.assertEqual(over_time[3].split(), ["time", "live", "change", "RSS", "maxrss"])
        self.assertEqual(len(over_time), 4 + 9)
        value, slack = megabytes(re.findall(r"[\d.]+ [KMG]?B", over_time[-1])[0])
        self.assert_near(value, self.recording.report()["memory"]["live_bytes_at_end"], slack)

    def test_regular_marks_are_the_time_axis(self):
        """A program that marks every simulated hour: its hours are the rows, and no second table says the same."""
        hours = record(["/usr/bin/python3", "-c", _HOURS], self.folder / "hours", env={"PYTHONMALLOC": "malloc"})
        self.assertEqual((hours.status, hours.stderr), (0, b""))
        text = run([TIDEMARK, "report", hours.trace()]).stdout.decode()
        self.assertIn("\nMARKS  every 6th of 61 (JSON has all)", text)
        rows = re.findall(r"  hour (\d+)$", text, re.MULTILINE)
        self.assertEqual(rows, [str(hour) for hour in range(0, 61, 6)])
        self.assertNotRegex(text, r"time +live +change")
        marks = hours.report()["marks"]
        self.assertEqual(len(marks), 61)
        for mark in marks[1:]:
            self.assertGreaterEqual(mark["allocated_bytes"], 1 << 20)
        self.assertGreater(marks[-1]["live_bytes"] - marks[0]["live_bytes"], 60 << 20)


_HOURS = """
import ctypes, time
mark = ctypes.CDLL(None).tidemark_client_mark
kept = []
for hour in range(61):
    if hour:
        kept.append(bytearray(1 << 20))
    mark(b"hour %d" % hour)
    time.sleep(0.02)
"""


class Limits(TestCase):
    def limits_of(self, command, **more):
        self.runs = getattr(self, "runs", 0) + 1
        recording = record(command, self.folder / f"traces{self.runs}", **more)
        self.assertEqual(recording.status, 0)
        return {limit["kind"]: limit for limit in recording.report()["limits"]}, recording

    def test_limits_from_outside(self):
        size = 2 << 30

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (size, size))
            resource.setrlimit(resource.RLIMIT_DATA, (size - MEGABYTE, size - MEGABYTE))

        found, recording = self.limits_of([MAXRSS, "--seconds", "0.2"], preexec_fn=limit)
        self.assertEqual(found["address-space"]["bytes"], size)
        self.assertEqual(found["data"]["bytes"], size - MEGABYTE)
        self.assertLess(found["address-space"]["left_bytes"], size)
        self.assertGreater(found["address-space"]["left_bytes"], size // 4)
        text = run([TIDEMARK, "report", recording.trace()]).stdout.decode()
        self.assertIn("  limit            2.0 GB by address-space, of which ", text)

    def test_a_limit_that_a_program_sets_itself(self):
        script = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
data = bytearray(200 << 20)
"""
        without, _ = self.limits_of(["/usr/bin/python3", "-c", "data = bytearray(200 << 20)"])
        self.assertNotIn("address-space", without)
        found, _ = self.limits_of(["/usr/bin/python3", "-c", script])
        self.assertEqual(found["address-space"]["bytes"], 1 << 30)


    def test_a_cgroup_limit(self):
        size = 192 * MEGABYTE
        with self.memory_group(size) as members:
            found, recording = self.limits_of([MAXRSS, "--seconds", "0.2"],
                                              preexec_fn=lambda: members.write_text(str(os.getpid())))
        self.assertEqual(list(found), ["cgroup"])
        self.assertEqual(found["cgroup"]["bytes"], size)
        # The group holds the recorder's own processes besides: little.
        rss = recording.report()["memory"]["rss_bytes_at_end"]
        self.assertLessEqual(found["cgroup"]["left_bytes"], size - rss)
        self.assertGreater(found["cgroup"]["left_bytes"], size - rss - 32 * MEGABYTE)


class Bounds(TestCase):
    def test_what_is_wrong_is_said(self):
        trace = record([MAXRSS, "--seconds", "0.1", "--scale", "0.1"], self.folder / "traces").trace()
        for bound in ("cache", "=1M", "cache=", "cache=much", "cache=0", ""):
            for command in (["report", "--bound", bound, trace], ["run", "--bound", bound, "--", "true"],
                            ["--bound=" + bound, "true"]):
                with self.subTest(command):
                    outcome = run([TIDEMARK, *command])
                    self.assertEqual((outcome.status, outcome.stdout), (2, b""))
                    self.assertIn(b"expected SITE=SIZE", outcome.stderr)
        outcome = run([TIDEMARK, "report", "--bound"])
        self.assertEqual((outcome.status, outcome.stderr[:29]), (2, b"tidemark: --bound needs a val"))
        self.assertEqual(run([TIDEMARK, "report", "--bound", "load=1G", "--bound", "f=2M", trace]).status, 0)
        self.assertIn(b"--bound SITE=SIZE", subprocess.run([TIDEMARK, "--help"], capture_output=True, check=True).stdout)


if __name__ == "__main__":
    main()
