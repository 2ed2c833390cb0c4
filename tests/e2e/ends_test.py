#!/usr/bin/python3
"""However a process ends, its status is its own, its trace is whole, and the report says how it ended."""

import signal

from tidemark_testing import PROGRAMS, TestCase, counts_in, main, record, record_by_preload, run

ENDS = PROGRAMS / "ends"


class Ends(TestCase):
    def end(self, *arguments, kind, code):
        """One end, with `tidemark run` and by preload alone."""
        command = [ENDS, *arguments]
        native = run(command)
        recorded = record(command, self.folder / "run")
        self.assert_same_outcome(native, recorded)
        preloaded = record_by_preload(command, self.folder / "preload")
        self.assert_same_outcome(native, preloaded)
        self.assertEqual(recorded.report()["process"]["end"], {"kind": kind, "code": code})
        for recording in (recorded, preloaded):
            view = recording.check()
            # 1,000 blocks of the program; its runtime library may add some at the end.
            self.assert_near(view["allocations"], 1000, 10, "allocations")
            self.assert_near(view["frees"], 900, 10, "frees")
            self.assert_near(view["end_live_blocks"], 100, 10, "live blocks")
            self.assert_readers_agree(view, recording.report())
        return recorded, preloaded

    def test_status(self):
        for how in ("return", "exit", "_exit", "_Exit", "syscall_exit", "quick_exit", "thread_exit"):
            for number in (0, 3, 255):
                with self.subTest(how=how, number=number):
                    recorded, preloaded = self.end(how, str(number), kind="exited", code=number)
                    self.assertEqual(recorded.status, number)
                    # The library alone knows it, too, and has trimmed the file; but for quick_exit, whose handlers run
                    # behind it and after which nobody is left.
                    view = preloaded.check()
                    self.assertEqual(view["end_code"], number)
                    if how != "quick_exit":
                        self.assertEqual(view["end_kind"], 1)
                        self.assertEqual(view["file_bytes"], view["claimed_bytes"])
                    self.assertEqual(preloaded.report()["process"]["end"], {"kind": "exited", "code": number})
                for trace in (*recorded.traces, *preloaded.traces):
                    trace.unlink()

    def test_main_thread_leaves_first(self):
        self.end("pthread_exit", kind="exited", code=0)

    def test_signals(self):
        for how, number in (("raise", signal.SIGTERM), ("raise", signal.SIGKILL), ("kill", signal.SIGUSR1),
                            ("abort", signal.SIGABRT), ("segv", signal.SIGSEGV), ("trap", signal.SIGILL)):
            with self.subTest(how=how, number=number):
                recorded, preloaded = self.end(how, str(int(number)), kind="signaled", code=int(number))
                self.assertEqual(recorded.status, 128 + number)
                # Nobody but a parent sees a signal: to the library alone the trace just stops.
                self.assertEqual(preloaded.report()["process"]["end"]["kind"], "killed")
                # `tidemark run` has trimmed the file.
                self.assertLess(recorded.trace().stat().st_size, 10 << 20)
            for trace in (*recorded.traces, *preloaded.traces):
                trace.unlink()


class Teardown(TestCase):
    """What comes after the end (design: the exit snapshot's moment) is teardown; what came before main is recorded."""

    def test_before_and_after_main(self):
        for arguments, status in (((), 4), (("exit",), 3)):
            with self.subTest(arguments=arguments):
                recording = self.record_and_compare([PROGRAMS / "teardown", *arguments], name=f"traces{status}")
                self.assertEqual(recording.status, status)
                lines = recording.stdout.decode().splitlines()
                at_main, last = counts_in(lines[0].encode()), counts_in(recording.stdout)
                view, document = recording.check(), recording.report()
                self.assert_readers_agree(view, document)
                # All events, and of them those before the end.
                self.assert_near(view["allocations"], last[0], 10)
                self.assert_near(view["frees"], last[1], 10)
                self.assert_near(view["end_allocations"], at_main[0], 10)
                self.assert_near(view["end_frees"], at_main[1], 10)
                # 100 blocks of the static object and 5 of main's are live at the end; the 100 are freed in teardown,
                # and so are 42 that only the teardown allocates.
                self.assert_near(document["memory"]["live_blocks_at_end"], 105, 5)
                self.assert_near(document["teardown"]["freed_blocks"], last[1] - at_main[1], 5)


if __name__ == "__main__":
    main()
