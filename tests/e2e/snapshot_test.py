#!/usr/bin/python3
"""Snapshots on bad days: the program never notices them, and each is taken whole or not taken with a note.

The programs are tests/programs/snapshot_*.c: they say themselves what they noticed. TIDEMARK_TEST_FULL=1: longer storms,
more kills, and a heap of 4 GB.
"""

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from tidemark_testing import (BUILD, FULL, LIBRARY, PROGRAMS, TIDEMARK, TestCase, check_traces, counts_in, main, record,
                              record_by_preload, report, run, scaled, traces_in)

LOW_CONFIDENCE = 0.3


def lost(document):
    """Findings that say with some confidence that memory is lost."""
    return [finding for finding in document["findings"]
            if finding["class"] == "true-leak" and finding["kind"].startswith("unreachable")
            and finding["confidence"] > LOW_CONFIDENCE]


def taken(document, *reasons):
    return [one for one in document["snapshots"] if one["complete"] and one["reason"] in reasons]


def processes_of(program):
    """All processes that run the program, copies that write a snapshot among them."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.readlink(entry / "exe") == str(program):
                found.append(int(entry.name))
    return found


class Snapshots(TestCase):
    def record_ok(self, name, *arguments, through=record, **more):
        """Records a program that must not notice anything; its one report."""
        recording = through([PROGRAMS / name, *map(str, arguments)], self.folder / f"traces.{time.monotonic_ns()}",
                            **more)
        self.assertEqual((recording.status, recording.stderr), (0, b""), recording.stdout.decode())
        self.assertTrue(recording.stdout.endswith(b"OK\n"), recording.stdout)
        return recording

    def assert_exit_snapshot(self, document):
        self.assertEqual(len(taken(document, "main-returned", "exit")), 1, document["snapshots_skipped"])

    # --- the program does not notice

    def test_unnoticed(self):
        document = self.main_report(self.record_ok("snapshot_unnoticed", 100))  # a child of its own is recorded, too
        self.assertGreaterEqual(len(taken(document, "client")), 30, document["snapshots_skipped"])
        self.assert_exit_snapshot(document)
        self.assertEqual(lost(document), [])

    def test_unnoticed_by_time(self):
        document = self.main_report(self.record_ok("snapshot_unnoticed", 100, options=["--snapshot", "every=10ms"]))
        self.assertGreaterEqual(len(taken(document, "period", "client")), 30, document["snapshots_skipped"])

    def test_unnoticed_with_the_library_alone(self):
        self.record_ok("snapshot_unnoticed", 40, through=record_by_preload)

    def test_pipe_ends_with_the_program(self):
        """`program | cat`: what reads the program's output sees its end when the program ends, not when the snapshot
        is written."""
        environment = {**os.environ, "LD_PRELOAD": str(LIBRARY), "TIDEMARK_OUTPUT": str(self.folder / "%p.tidemark")}
        process = subprocess.Popen([PROGRAMS / "snapshot_hold", str(scaled(200, 1000))], env=environment,
                                   stdout=subprocess.PIPE)
        cat = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        process.stdout.close()
        self.assertEqual(process.wait(timeout=120), 0)
        ended = time.monotonic()
        cat.wait(timeout=120)
        self.assertLess(time.monotonic() - ended, 0.3)
        deadline = time.monotonic() + 60
        while processes_of(PROGRAMS / "snapshot_hold") and time.monotonic() < deadline:
            time.sleep(0.02)
        (trace,) = traces_in(self.folder)
        self.assert_exit_snapshot(report(trace))

    # --- threads

    def test_a_thousand_threads(self):
        document = self.record_ok("snapshot_threads", 1000).report()
        snapshots = taken(document, "client", "main-returned")
        self.assertGreaterEqual(len(snapshots), 2, document["snapshots_skipped"])
        for snapshot in snapshots:
            self.assertGreaterEqual(snapshot["threads"], 1004)
        self.assert_exit_snapshot(document)
        self.assertEqual(lost(document), [])

    def test_threads_that_allocate(self):
        document = self.record_ok("snapshot_allocating", scaled(1, 10)).report()
        self.assertGreaterEqual(len(taken(document, "client")), 3)
        self.assert_exit_snapshot(document)
        self.assertEqual(lost(document), [])

    def test_several_at_once(self):
        document = self.record_ok("snapshot_together", 8, 20).report()
        self.assertGreaterEqual(len(taken(document, "client")), 1)
        self.assert_exit_snapshot(document)
        self.assertEqual(lost(document), [])

    # --- processes, images and modules that come and go

    def storm(self, what, end):
        return self.record_ok("snapshot_storm", what, scaled(0.5, 10), end)

    def main_report(self, recording):
        """The first process's report of a recording of several, of its first image."""
        documents = recording.report_tree()["reports"]
        (first,) = [document for document in documents if document["process"]["image"] == 0
                    and document["process"]["parent_pid"] not in {one["process"]["pid"] for one in documents}]
        return first

    def test_fork(self):
        recording = self.storm("fork", "return")
        self.assertGreater(len(recording.traces), 3)
        check_traces(recording.traces)
        self.assertGreaterEqual(len(taken(self.main_report(recording), "client")), 2)
        inside = [document for document in recording.report_tree()["reports"] if taken(document, "client")]
        self.assertGreater(len(inside), 1, "no child took its snapshot")

    def test_vfork(self):
        recording = self.storm("vfork", "return")
        check_traces(recording.traces)
        self.assertGreaterEqual(len(taken(self.main_report(recording), "client")), 1)

    def test_spawn(self):
        self.assertGreaterEqual(len(taken(self.main_report(self.storm("spawn", "exit")), "client")), 1)

    def test_threads_come_and_go(self):
        document = self.storm("threads", "return").report()
        self.assertGreaterEqual(len(taken(document, "client")), 2)
        self.assert_exit_snapshot(document)
        self.assertEqual(lost(document), [])

    def test_modules_come_and_go(self):
        document = self.storm("modules", "return").report()
        self.assertGreaterEqual(len(taken(document, "client")), 2)
        self.assert_exit_snapshot(document)
        self.assertEqual(lost(document), [])

    def test_ends_meanwhile(self):
        for end in ("return", "exit", "_exit", "exec"):
            for _ in range(scaled(2, 10)):
                with self.subTest(end=end):
                    recording = self.storm("all", end)
                    check_traces(recording.traces)
                    self.main_report(recording)

    # --- killed

    def kill_once(self, command, delay, everyone):
        """Kills the program, or all its copies as well, some time after it began. Its trace is in `folder`."""
        folder = self.folder / str(time.monotonic_ns())
        folder.mkdir()
        environment = {**os.environ, "LD_PRELOAD": str(LIBRARY), "TIDEMARK_OUTPUT": str(folder / "%e.%p.tidemark")}
        process = subprocess.Popen([str(part) for part in command], env=environment, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(delay)
        if everyone:
            for pid in processes_of(command[0]):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        self.assertEqual((process.returncode, errors), (-signal.SIGKILL, b""), output)
        return folder, process.pid

    def wait_for_copies(self, program):
        deadline = time.monotonic() + 60
        while processes_of(program) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(processes_of(program), [])

    def read_killed(self, folder, pid):
        """Everything reads; the report of the program that was killed, if it got so far."""
        views = check_traces(traces_in(folder))
        for view in views:
            if not view["unborn"]:
                document = report(view["path"])
                if view["pid"] == pid:
                    self.assertEqual(document["process"]["end"]["kind"], "killed")
                    return document
        return None

    def kill_many(self, command, everyone):
        numbers = random.Random(int(os.environ.get("TIDEMARK_TEST_SEED", random.SystemRandom().randrange(1 << 30))))
        snapshots = []
        for _ in range(scaled(10, 60)):
            folder, pid = self.kill_once(command, 0.05 + numbers.random() * 0.5, everyone)
            self.wait_for_copies(command[0])
            document = self.read_killed(folder, pid)
            snapshots += document["snapshots"] if document else []
            shutil.rmtree(folder)
        complete = sum(one["complete"] for one in snapshots)
        print(f"\n  {len(snapshots)} snapshots, {complete} complete", flush=True)
        return snapshots

    def test_killed_during_a_snapshot(self):
        """The program alone is killed: its copies finish what they write."""
        snapshots = self.kill_many([PROGRAMS / "snapshot_hold", 30, "take", 100000], everyone=False)
        self.assertTrue(any(one["complete"] for one in snapshots))

    def test_copies_killed_as_well(self):
        snapshots = self.kill_many([PROGRAMS / "snapshot_hold", 60, "take", 100000], everyone=True)
        self.assertTrue(any(one["complete"] for one in snapshots))
        self.assertTrue(any(not one["complete"] for one in snapshots), "no snapshot was cut")
        for one in snapshots:
            if not one["complete"]:
                self.assertIsNone(one["unreachable_blocks"])

    def test_killed_in_a_storm(self):
        self.kill_many([PROGRAMS / "snapshot_storm", "all", 1, "never"], everyone=False)

    # --- memory and rights that are short

    def assert_skipped_or_taken(self, document, *whys):
        skipped = {one["why"] for one in document["snapshots_skipped"]}
        self.assertLessEqual(skipped, {*whys, "busy"})
        self.assertTrue(skipped or document["snapshots"])
        self.assertEqual(lost(document), [])

    def test_address_space_nearly_used_up(self):
        limit = 400 << 20
        recording = self.record_ok("snapshot_hold", 150, "take", 2, through=record_by_preload,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.assert_skipped_or_taken(recording.report(), "memory", "fork")

    def in_group(self, limit, *arguments):
        with self.memory_group(limit) as members:
            members_text = str(members)

            def enter():
                Path(members_text).write_text(str(os.getpid()))

            # Heap and trace in tmpfs would count twice; the folder is on a disk, whose pages can be given back.
            return self.record_ok("snapshot_hold", *arguments, through=record_by_preload, preexec_fn=enter).report()

    def test_memory_limit_nearly_reached(self):
        """100 MB of heap in blocks of 80 bytes and what the recorder needs; the limit leaves less than a copy takes."""
        document = self.in_group(160 << 20, 100, "take", 1)
        self.assertIn("memory", {one["why"] for one in document["snapshots_skipped"]}, document["snapshots"])
        self.assertEqual(lost(document), [])

    def test_memory_limit_far_away(self):
        document = self.in_group(2 << 30, 100, "take", 1)
        self.assertEqual(document["snapshots_skipped"], [])
        self.assert_exit_snapshot(document)

    def test_copying_is_forbidden(self):
        recording = self.record_ok("snapshot_hold", 5, "restricted")
        document = recording.report()
        self.assert_skipped_or_taken(document, "restricted", "fork", "threads")
        self.assertTrue(document["snapshots_skipped"] or taken(document, "client"))

    # --- memory that cannot be read

    def test_holes(self):
        document = self.record_ok("snapshot_holes", scaled(1, 10)).report()
        self.assertGreaterEqual(len(taken(document, "client")), 2, document["snapshots_skipped"])
        self.assert_exit_snapshot(document)
        self.assertEqual(lost(document), [])

    def test_swap(self):
        if len(Path("/proc/swaps").read_text().splitlines()) < 2:
            self.skipTest("no swap here")
        megabytes = 200
        with self.memory_group(150 << 20) as members:
            members_text = str(members)
            recording = self.record_ok("snapshot_hold", megabytes, "take", 1, through=record_by_preload,
                                       preexec_fn=lambda: Path(members_text).write_text(str(os.getpid())))
        document = recording.report()
        self.assertTrue(document["snapshots_skipped"]
                        or any(one["swapped_bytes"] > 10 << 20 for one in document["snapshots"]))
        self.assertEqual(lost(document), [])

    # --- when

    def test_never(self):
        document = self.record_ok("snapshot_hold", 5, options=["--snapshot", "never"]).report()
        self.assertEqual((document["snapshots"], document["snapshots_skipped"]), ([], []))

    def test_growth(self):
        """It grows to 119 MB in 2 seconds, of which pauses may take 20 ms."""
        document = record([BUILD / "bin/demos/leak"], self.folder / "traces", options=["--snapshot", "growth=1.5"]).report()
        self.assertGreaterEqual(len(taken(document, "growth")), 2, document["snapshots_skipped"])
        self.assertEqual(lost(document), [])

    def test_exit_by_default(self):
        document = self.record_ok("snapshot_hold", 5).report()
        self.assert_exit_snapshot(document)
        (snapshot,) = taken(document, "main-returned")
        self.assertEqual(snapshot["unreachable_blocks"], 0)
        self.assertGreater(snapshot["reachable_bytes"], 5 << 20)

    def test_asked_for_while_idle(self):
        """`tidemark snapshot PID` reaches a program that sleeps and touches nothing."""
        folder = self.folder / "idle"
        folder.mkdir()
        environment = {**os.environ, "LD_PRELOAD": str(LIBRARY), "TIDEMARK_OUTPUT": str(folder / "%p.tidemark")}
        process = subprocess.Popen([PROGRAMS / "snapshot_hold", "5", "wait"], env=environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.2)
        for _ in range(2):
            outcome = run([TIDEMARK, "snapshot", process.pid], timeout=60)
            self.assertEqual(outcome.status, 0, outcome.stderr)
        output, errors = process.communicate(b"", timeout=60)
        self.assertEqual((process.returncode, output, errors), (0, b"OK\n", b""))
        (trace,) = traces_in(folder)
        document = report(trace)
        self.assertEqual(len(taken(document, "command")), 2, document["snapshots_skipped"])
        self.assertEqual(lost(document), [])

    def test_asked_for_of_nobody(self):
        for pid in (os.getpid(), 2**22 + 1):
            outcome = run([TIDEMARK, "snapshot", pid], timeout=60)
            self.assertEqual(outcome.status, 2)
            self.assertEqual(outcome.stderr.count(b"\n"), 1, outcome.stderr)

    # --- what is lost now may be found later

    def test_hidden_in_a_file(self):
        recording = self.record_ok("snapshot_veto")
        document = recording.report()
        hidden, freed = counts_in(recording.stdout)
        snapshots = taken(document, "client")
        self.assertEqual(len(snapshots), 2, document["snapshots_skipped"])
        for snapshot in snapshots:
            self.assertGreaterEqual(snapshot["unreachable_blocks"], hidden)
        self.assertEqual(lost(document), [])
        found = [finding for finding in document["findings"]
                 if finding["class"] == "true-leak" and finding["resurrected_blocks"] > 0]
        self.assertEqual([(one["blocks"], one["resurrected_blocks"]) for one in found], [(hidden - freed, freed)])

    @unittest.skipUnless(FULL, "TIDEMARK_TEST_FULL=1")
    def test_four_gigabytes(self):
        document = self.record_ok("snapshot_hold", 4096, timeout=1200).report()
        self.assert_exit_snapshot(document)
        self.assertEqual(lost(document), [])


if __name__ == "__main__":
    main()
