#!/usr/bin/python3
"""A program that forbids itself system calls is not killed by ours, and its record is whole as far as it can be."""

from tidemark_testing import PROGRAMS, TestCase, counts_in, main, record_by_preload

STRICT = 3  # trace::StopReason


class Seccomp(TestCase):
    def test_filters(self):
        """filter allows a handful of calls only and kills at any other; no_new_files kills at open."""
        for how in ("filter", "filter_syscall", "no_new_files"):
            with self.subTest(how=how):
                recording = self.record_and_compare([PROGRAMS / "under_seccomp", how], name=how)
                self.assertEqual(recording.status, 5, recording.stderr)
                allocations, frees = counts_in(recording.stdout)
                view = recording.check()
                # 350,000 events after the filter fit into what was reserved before it.
                self.assert_near(view["allocations"], allocations)
                self.assert_near(view["frees"], frees)
                self.assertEqual(recording.report()["process"]["end"], {"kind": "exited", "code": 5})
                preloaded = record_by_preload([PROGRAMS / "under_seccomp", how], self.folder / f"{how}.preload")
                self.assertEqual((preloaded.status, preloaded.stdout, preloaded.stderr),
                                 (5, recording.stdout, recording.stderr))

    def test_strict(self):
        """Strict mode forbids even the clock: the record ends there."""
        recording = self.record_and_compare([PROGRAMS / "under_seccomp", "strict"])
        self.assertEqual(recording.status, 5)
        view, document = recording.check(), recording.report()
        self.assertEqual(view["stop_reason"], STRICT)
        self.assert_near(view["allocations"], 1041)
        self.assertFalse(document["recording"]["complete"])
        self.assertIsNotNone(document["recording"]["stopped"])


if __name__ == "__main__":
    main()
