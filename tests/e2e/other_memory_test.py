#!/usr/bin/python3
"""Memory that does not come from a hooked allocator: mappings that the program makes itself are counted apart, what
its allocator maps is not counted; and programs that we cannot record (static ones, and those with a malloc of their
own in the executable) run as if we were not there."""

from tidemark_testing import PROGRAMS, TestCase, counts_in, main, record, run


class OtherMemory(TestCase):
    def test_maps_of_the_program(self):
        recording = self.record_and_compare([PROGRAMS / "maps"])
        maps, live_bytes, mallocs = counts_in(recording.stdout)
        view, document = recording.check(), recording.report()
        self.assertEqual((view["maps"], view["remaps"]), (maps, 1))
        self.assertEqual(view["unmaps"], 103)
        self.assertEqual(document["memory"]["program_maps"]["live_bytes_at_end"], live_bytes)
        # malloc's own mappings are blocks, not maps.
        self.assert_near(document["memory"]["total_allocations"], mallocs, 5)
        self.assert_near(document["memory"]["live_bytes_at_end"], 2 << 20, 8192)

    def test_static_program(self):
        native = run([PROGRAMS / "ends_static", "return", "7"])
        recording = record([PROGRAMS / "ends_static", "return", "7"], self.folder / "traces")
        self.assert_same_outcome(native, recording)
        self.assertEqual((recording.status, recording.traces), (7, []))

    def test_malloc_in_the_executable(self):
        """It bypasses every preload. At most one line says so."""
        native = run([PROGRAMS / "own_malloc", 200])
        recording = record([PROGRAMS / "own_malloc", 200], self.folder / "traces")
        self.assertEqual((native.status, recording.status), (0, 0))
        self.assertEqual(len(native.stdout.split()), len(recording.stdout.split()))
        self.assertRegex(recording.stderr, rb"\A(tidemark: [^\n]*malloc of its own[^\n]*\n)?\Z")


if __name__ == "__main__":
    main()
