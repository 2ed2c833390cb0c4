#!/usr/bin/python3
"""Stacks: in checking mode (TIDEMARK_CHECK_UNWIND=1) every stack is unwound a second time by libunwind, and none may
differ. The figures are in the trace's header. tests/check_unwind does the same at the scale of the acceptance run.
"""

import inputs
from tidemark_testing import PROGRAMS, TestCase, main, record, run

CHECK = {"TIDEMARK_CHECK_UNWIND": "1"}
SECTIONS = ("exceptions", "signals", "altstack", "timer", "coroutines", "longjmp", "alloca", "realign", "odd",
            "recursion", "plugin", "plugins", "threads", "sibling")


class Stacks(TestCase):
    def assert_no_differences(self, recording, at_least):
        self.assertEqual(recording.status, 0, recording.stderr)
        view = recording.check()
        found = view["unwind_check"]
        self.assertGreaterEqual(found["events"], at_least)
        # Every event was checked, but for those of handlers that interrupted the recorder itself.
        self.assertEqual(found["events"] + found["unchecked"], view["allocations"] + view["maps"] + view["remaps"])
        self.assertEqual(found["differences"], 0, found)
        self.assertEqual(recording.report()["recording"]["unwind_check"]["differences"], 0)
        return view

    def test_python3(self):
        script = inputs.python_script(self.folder, rounds=4)
        recording = record(["/usr/bin/python3", script], self.folder / "traces",
                           env={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", **CHECK})
        view = self.assert_no_differences(recording, 100_000)
        self.assertEqual(view["cut_events"], 0)

    def test_sqlite3(self):
        script = inputs.sqlite_script(self.folder, rows=20_000)
        recording = record(["sqlite3", ":memory:", f".read {script}"], self.folder / "traces", env=CHECK)
        view = self.assert_no_differences(recording, 80_000)
        self.assertEqual(view["cut_events"], 0)

    def test_cc1plus(self):
        source = inputs.preprocessed_templates(self.folder, types=1)
        compiler = run(["g++", "-print-prog-name=cc1plus"]).stdout.decode().strip()
        recording = record([compiler, "-quiet", "-fpreprocessed", "-std=c++20", source, "-o", "/dev/null"],
                           self.folder / "traces", env=CHECK)
        view = self.assert_no_differences(recording, 200_000)
        self.assertEqual(view["cut_events"], 0)

    def stress(self, program):
        for section in SECTIONS:
            with self.subTest(section=section):
                command = [PROGRAMS / program, 300, section]
                native = run(command)
                recording = record(command, self.folder / section, env=CHECK)
                self.assert_same_outcome(native, recording)
                own = int(native.stdout.split()[1])
                view = self.assert_no_differences(recording, own)
                self.assertEqual(view["cut_events"], 0)
                self.assertEqual(sum(view["lost"]), 0, view["lost"])
                if section == "timer":  # as many as there were signals: 300 each way
                    self.assertGreaterEqual(view["allocations"], 600)
                if section == "odd":
                    self.assertGreaterEqual(view["unwind_check"]["slow_path"], 300)
                if section == "plugin":
                    self.assertGreater(view["module_unloads"], 20)

    def test_stress_without_frame_pointers(self):
        self.stress("unwind_stress_o2")

    def test_stress_with_frame_pointers(self):
        self.stress("unwind_stress_fp")

    def test_stress_unoptimized(self):
        self.stress("unwind_stress_o0")


class HandlersAnywhere(TestCase):
    """Signal handlers that allocate while the recorder's own hook is what they interrupted (the program's allocator
    allows it): not one event may be missing, and the stacks are right."""

    def record_handlers(self, *arguments, env=None):
        recording = record([PROGRAMS / "handler_anywhere", *arguments], self.folder / "traces", env=env, timeout=120)
        self.assertEqual((recording.status, recording.stderr), (0, b""))
        allocations, frees, signals = (int(number) for number in recording.stdout.split())
        view = recording.check()
        self.assertEqual(sum(view["lost"]), 0, view["lost"])
        return view, allocations, frees, signals

    def test_handlers_return(self):
        view, allocations, frees, _ = self.record_handlers(3000)
        self.assertGreaterEqual(view["allocations"], allocations)
        self.assertLessEqual(view["allocations"], allocations + 5)
        self.assertEqual(view["frees"], frees)
        self.assertEqual(view["unknown_frees"], 0)

    def test_handlers_jump(self):
        """Left by siglongjmp, the interrupted call may be counted by neither or by one of both sides."""
        view, allocations, frees, signals = self.record_handlers(3000, "jump")
        self.assertGreaterEqual(view["allocations"], allocations)
        self.assertLessEqual(view["allocations"], allocations + signals)
        self.assertGreaterEqual(view["frees"], frees)
        self.assertLessEqual(view["frees"], frees + signals)

    def test_stacks(self):
        view, allocations, _, _ = self.record_handlers(2000, env=CHECK)
        found = view["unwind_check"]
        self.assertEqual(found["differences"], 0, found)
        self.assertGreater(found["events"], allocations // 2)

    def test_stacks_with_jumps(self):
        """A jump out of the check itself ends the checking; it must neither hang nor differ before."""
        view, _, _, _ = self.record_handlers(2000, "jump", env=CHECK)
        self.assertEqual(view["unwind_check"]["differences"], 0, view["unwind_check"])


class Depth(TestCase):
    def frames(self, depth):
        recording = record([PROGRAMS / "recursion", depth, 20], self.folder / f"traces{depth}")
        self.assertEqual(recording.stdout.decode(), f"20 blocks at depth {depth}\n")
        self.assertEqual(recording.status, 0)
        return recording, [finding for finding in recording.report()["findings"] if finding["bytes"] == 20 * 1000]

    def test_ten_thousand_frames(self):
        """A recursion 10,000 frames deep has 10,000 frames in its report."""
        recording, findings = self.frames(10_000)
        (finding,) = findings
        functions = [frame["function"] for frame in finding["stack"]]
        self.assertEqual(functions.count("descend"), 10_000)
        self.assertEqual((functions[0], functions[10_001]), ("bottom", "main"))
        self.assertEqual(functions[-1], "_start")
        self.assertFalse(finding["stack_cut"])
        self.assertEqual(recording.check()["cut_events"], 0)

    def test_a_hundred_thousand_frames(self):
        # The default stack of 8 MiB holds so many small frames.
        recording, findings = self.frames(100_000)
        view = recording.check()
        self.assertEqual(view["cut_events"], 0)
        self.assertGreater(view["deepest"], 100_000)
        (finding,) = findings
        self.assertEqual(sum(frame["function"] == "descend" for frame in finding["stack"]), 100_000)


if __name__ == "__main__":
    main()
