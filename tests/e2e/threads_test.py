#!/usr/bin/python3
"""Many threads: their states and chunks are reused, so that a thousand short ones cost little; each has its name and
its stack's bounds in the trace."""

from tidemark_testing import PROGRAMS, TestCase, counts_in, main


class Threads(TestCase):
    def test_crowd(self):
        """1,000 short threads one after the other, then 300 at once."""
        recording = self.record_and_compare([PROGRAMS / "thread_crowd", 1000, 300])
        allocations, frees = counts_in(recording.stdout)
        view, document = recording.check(), recording.report()
        self.assert_readers_agree(view, document)
        # pthread_create allocates each thread's thread-local storage, and caches it with the stack.
        self.assertGreaterEqual(view["allocations"], allocations)
        self.assert_near(view["allocations"], allocations, 320 + 64)
        self.assertGreaterEqual(view["frees"], frees)
        self.assert_near(view["frees"], frees, 320 + 64)
        self.assertEqual(view["unknown_frees"], 0)
        self.assertEqual(document["recording"]["threads"], 1301)
        self.assertLess(view["disk_bytes"], 64 << 20)
        # 301 live at once; of the short ones, those that came first.
        self.assertLess(view["streams"], 330)
        self.assertEqual(len({thread["serial"] for thread in view["threads"]}), 1301)

    def test_names_and_stacks(self):
        recording = self.record_and_compare([PROGRAMS / "thread_crowd", 0, 40])
        names = [thread["name"] for thread in recording.report()["threads"]]
        for number in range(40):
            if number % 4 < 2:
                self.assertIn(f"worker {number}", names)
        self.assertEqual(names.count("thread_crowd"), 1 + 20)
        view = recording.check()
        for thread in view["threads"]:
            if thread["serial"] > 1:
                size = thread["stack_high"] - thread["stack_low"]
                self.assertTrue(64 << 10 < size <= 64 << 20, thread)

    def test_per_thread_totals(self):
        recording = self.record_and_compare([PROGRAMS / "thread_crowd", 0, 40])
        document = recording.report()
        workers = [thread for thread in document["threads"] if thread["allocations"] == 20]
        self.assertEqual(len(workers), 40)
        self.assertEqual({thread["frees"] for thread in workers}, {20})
        self.assertEqual(sum(thread["allocations"] for thread in document["threads"]),
                         document["memory"]["total_allocations"])


if __name__ == "__main__":
    main()
