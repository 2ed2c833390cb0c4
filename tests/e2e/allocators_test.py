#!/usr/bin/python3
"""A program keeps its own allocator: linked with jemalloc, tcmalloc or mimalloc, or with one of them preloaded before
us, its calls reach that allocator and are recorded once each."""

from tidemark_testing import LIBRARY, PROGRAMS, TestCase, counts_in, main, record_by_preload, run

LIBRARIES = {"jemalloc": "libjemalloc.so.2", "tcmalloc_minimal": "libtcmalloc_minimal.so.4",
             "mimalloc": "libmimalloc.so.2"}


class Allocators(TestCase):
    def assert_counts(self, recording, name):
        self.assertEqual(recording.status, 0, recording.stderr)
        allocations, frees, live_bytes = counts_in(recording.stdout)
        view, document = recording.check(), recording.report()
        self.assert_readers_agree(view, document)
        memory = document["memory"]
        self.assert_near(memory["total_allocations"], allocations)
        self.assert_near(memory["total_frees"], frees)
        # The runtime's own: emergency pool of libstdc++ (72 KiB), thread-local storage, stdout's buffer.
        self.assert_near(memory["live_bytes_at_end"], live_bytes, 100_000)
        self.assertEqual(memory["unknown_frees"], 0)
        self.assertEqual(memory["overwritten_blocks"], 0)
        self.assertIn(name, document["recording"]["allocator"])

    def test_linked(self):
        for name in ("libc", *LIBRARIES):
            with self.subTest(allocator=name):
                recording = self.record_and_compare([PROGRAMS / f"allocator_user_{name}"], name=name, timeout=60)
                self.assert_counts(recording, name)

    def test_preloaded_before_us(self):
        for name, library in LIBRARIES.items():
            with self.subTest(allocator=name):
                command = [PROGRAMS / "allocator_user_libc"]
                native = run(command, env={"LD_PRELOAD": library}, timeout=60)
                recording = record_by_preload(command, self.folder / name, before=library, timeout=60)
                # It sees every call first and passes none on: there is nothing to record, we say so, and do no harm.
                self.assertEqual((native.stdout, native.status), (recording.stdout, recording.status))
                self.assertRegex(recording.stderr, rb"\Atidemark: allocations are not recorded: [^\n]*\n\Z")

    def test_preloaded_behind_us(self):
        for name, library in LIBRARIES.items():
            with self.subTest(allocator=name):
                command = [PROGRAMS / "allocator_user_libc"]
                native = run(command, env={"LD_PRELOAD": library}, timeout=60)
                recording = record_by_preload(command, self.folder / name, env={"LD_PRELOAD": f"{LIBRARY} {library}"},
                                              timeout=60)
                self.assert_same_outcome(native, recording)
                self.assert_counts(recording, name)


if __name__ == "__main__":
    main()
