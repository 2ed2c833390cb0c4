#!/usr/bin/python3
"""SIGKILL at random moments: every trace reads, and no call that the program counted is missing from it.

tests/programs/counted_threads.c counts, in shared memory, each call of its four threads after it has returned. The
trace may be ahead of the count (by the call under way), never behind. TIDEMARK_TEST_FULL=1: 100 kills, else 20.
"""

import os
import random
import shutil
import signal
import struct
import subprocess
import time

from tidemark_testing import (LIBRARY, PROGRAMS, TIDEMARK, TestCase, check_traces, main, recorder, report, run,
                              scaled, traces_in)

PROGRAM = PROGRAMS / "counted_threads"
THREADS = 4


class Kill(TestCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TIDEMARK_TEST_SEED", random.SystemRandom().randrange(1 << 30)))
        self.random = random.Random(self.seed)
        self.kills = 0

    def kill_once(self, delay, *mode, traces_before=0):
        """Starts the program, kills it (and its children) `delay` seconds after so many traces are there. Its folder,
        pid and traces."""
        self.kills += 1
        folder = self.folder / str(self.kills)
        folder.mkdir()
        counts = folder / "counts"
        command = [PROGRAM, counts, *mode]
        environment = {**os.environ, "LD_PRELOAD": str(LIBRARY), "TIDEMARK_OUTPUT": str(folder / "%e.%p.tidemark")}
        process = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while len(traces_in(folder)) < traces_before and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        _, errors = process.communicate()
        self.assertEqual((process.returncode, errors), (-signal.SIGKILL, b""))
        return folder, process.pid, traces_in(folder)

    def counted(self, folder):
        counts = folder / "counts"
        if not counts.exists() or counts.stat().st_size < 64 * THREADS:
            return []
        data = counts.read_bytes()
        lines = [struct.unpack_from("<QQQ", data, 64 * thread) for thread in range(THREADS)]
        return [line for line in lines if line[0] + line[1] != 0]

    def assert_complete(self, folder, pid, traces):
        """The main process's trace has all that was counted; all traces read. Returns the events found."""
        views = check_traces(traces)
        born = [view for view in views if not view["unborn"]]
        mine = [view for view in born if view["pid"] == pid]
        lines = self.counted(folder)
        if not lines and not mine:
            return 0
        (view,) = mine
        by_tid = {thread["tid"]: thread for thread in view["threads"]}
        for allocations, frees, tid in lines:
            what = f"seed {self.seed}, kill {self.kills}, thread {tid}: counted {allocations} and {frees}"
            self.assertIn(tid, by_tid, what)
            found = by_tid[tid]
            self.assertGreaterEqual(found["allocations"], allocations, what)
            self.assertGreaterEqual(found["frees"], frees, what)
            self.assertLessEqual(found["allocations"], allocations + 1, what)
            self.assertLessEqual(found["frees"], frees + 1, what)
        self.assertEqual(view["unknown_frees"], 0)
        document = report(*[view["path"]])
        self.assert_readers_agree(view, document)
        self.assertEqual(document["process"]["end"]["kind"], "killed")
        return view["allocations"] + view["frees"]

    def test_at_random_moments(self):
        events = []
        for _ in range(scaled(20, 100)):
            folder, pid, traces = self.kill_once(self.random.random() ** 2 * 0.4)
            events.append(self.assert_complete(folder, pid, traces))
            shutil.rmtree(folder)
        print(f"\n  {len(events)} kills, {sum(events)} events, the most {max(events)}", flush=True)
        self.assertGreater(max(events), 50_000)

    def test_during_the_start(self):
        """Within the first milliseconds: the loader, the recorder's own set-up, the first threads."""
        for _ in range(scaled(20, 100)):
            folder, pid, traces = self.kill_once(self.random.random() * 0.006)
            self.assertLessEqual(len(traces), 1)
            self.assert_complete(folder, pid, traces)
            # The analyzer takes whatever is there: a report, or one line and status 2 for a trace that never began.
            if traces and check_traces(traces)[0]["unborn"] == 0:
                report(folder)
            elif traces:
                outcome = run([TIDEMARK, "report", *traces])
                self.assertIn(outcome.status, (0, 2))
                self.assertLessEqual(outcome.stderr.count(b"\n"), 2, outcome.stderr)
            shutil.rmtree(folder)

    def test_during_a_fork_storm(self):
        """Children come and go all the time: parent and children are killed at once."""
        for _ in range(scaled(8, 40)):
            folder, pid, traces = self.kill_once(self.random.random() * 0.2, "forks", traces_before=4)
            self.assert_complete(folder, pid, traces)
            views = [view for view in check_traces(traces) if not view["unborn"]]
            children = [view for view in views if view["pid"] != pid]
            self.assertGreater(len(children), 0)
            parent = next(view for view in views if view["pid"] == pid)
            for child in children:
                self.assertEqual(child["parent_trace_id"], parent["trace_id"])
                if child["end_kind"] != 0:
                    self.assertEqual((child["allocations"], child["live_blocks"]), (1, 0))
            document = report(folder)
            self.assertGreaterEqual(len(document["reports"]), len(views) if len(views) == len(traces) else 1)
            shutil.rmtree(folder)

    def test_the_command_sees_the_kill(self):
        """Under `tidemark run` the end is known, and the file is trimmed."""
        folder = self.folder / "run"
        folder.mkdir()
        process = subprocess.Popen([*recorder(folder), PROGRAM, folder / "counts"], start_new_session=True)
        deadline = time.monotonic() + 20
        while len(self.counted(folder)) < THREADS and time.monotonic() < deadline:
            time.sleep(0.01)
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout
        os.kill(int(children.split()[0]), signal.SIGKILL)
        self.assertEqual(process.wait(timeout=60), 128 + signal.SIGKILL)
        (trace,) = traces_in(folder)
        document = report(trace)
        self.assertEqual(document["process"]["end"], {"kind": "signaled", "code": int(signal.SIGKILL)})
        self.assertLess(trace.stat().st_size, 1 << 30)
        (view,) = check_traces([trace])
        for allocations, frees, tid in self.counted(folder):
            found = next(thread for thread in view["threads"] if thread["tid"] == tid)
            self.assertGreaterEqual(found["allocations"], allocations)
            self.assertGreaterEqual(found["frees"], frees)


if __name__ == "__main__":
    main()
