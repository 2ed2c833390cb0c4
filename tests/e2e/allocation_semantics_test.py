#!/usr/bin/python3
"""The recorder passes on: every allocation function gives what it gives natively, errno included, and is counted by the
definitions of the report (a realloc that succeeds is one allocation and one free, and so on)."""

import os
import struct

from tidemark_testing import (COUNTING_PRELOAD, LIBRARY, PROGRAMS, TestCase, count_calls, counts_in, main, record,
                              record_by_preload, run)


class AllocationSemantics(TestCase):
    def test_table(self):
        """Sizes 0 and huge, overflows, failing reallocs, alignments, nothrow and throwing new with handlers."""
        recording = self.record_and_compare([PROGRAMS / "allocation_table"])
        self.assertGreater(len(recording.stdout.splitlines()), 100)
        self.assertNotIn(b"expected", recording.stdout)
        allocations, frees = counts_in(recording.stdout)
        document = recording.report()
        self.assert_readers_agree(recording.check(), document)
        # The exceptions that it throws and stdout's buffer are not its own calls; an independent count has them.
        self.assert_near(document["memory"]["total_allocations"], allocations, 20)
        self.assert_near(document["memory"]["total_frees"], frees, 20)
        counted = count_calls([PROGRAMS / "allocation_table"], self.folder)
        self.assert_near(document["memory"]["total_allocations"], counted[0], 2)
        self.assert_near(document["memory"]["total_frees"], counted[1], 2)
        self.assertEqual(document["memory"]["unknown_frees"], 0)

    def test_errno(self):
        """Each hooked function that succeeds leaves errno as it was, also when a chunk or a sample comes due in it."""
        recording = self.record_and_compare([PROGRAMS / "errno_kept"])
        self.assertEqual(recording.stdout, b"done\n")
        self.assertEqual(recording.status, 0)

    def test_replaced_operators(self):
        """A program that replaces all operators, or only some, gets exactly the calls that it gets natively."""
        for program in ("replaced_new_all", "replaced_new_some"):
            with self.subTest(program=program):
                recording = self.record_and_compare([PROGRAMS / program], name=program)
                self.assertEqual(recording.status, 0)
                memory = recording.report()["memory"]
                allocations, frees = count_calls([PROGRAMS / program], self.folder)
                self.assert_near(memory["total_allocations"], allocations)
                self.assert_near(memory["total_frees"], frees)
                self.assertGreater(memory["total_allocations"], 18_000)
                self.assertEqual(memory["unknown_frees"], 0)

    def test_plugin_in_cxx(self):
        """A C program opens C++ code locally, three times; its operators new are recorded, its exceptions work."""
        recording = self.record_and_compare([PROGRAMS / "plugin_host", PROGRAMS / "libplugin_cxx.so"])
        self.assertEqual(recording.stdout.count(b": 503\n"), 3)
        view, document = recording.check(), recording.report()
        memory = document["memory"]
        allocations, frees = count_calls([PROGRAMS / "plugin_host", PROGRAMS / "libplugin_cxx.so"], self.folder)
        self.assert_near(memory["total_allocations"], allocations)
        self.assert_near(memory["total_frees"], frees)
        self.assertEqual(memory["unknown_frees"], 0)
        # Nothing is left of the plugin's own blocks.
        self.assertLess(view["live_blocks"], 60)
        # Each time it was unloaded, and the report knows when.
        plugins = [module for module in document["modules"] if module["path"].endswith("libplugin_cxx.so")]
        self.assertEqual(len(plugins), 3)
        for module in plugins:
            self.assertIsNotNone(module["build_id"])
            self.assertGreater(module["unloaded_s"], module["loaded_s"])

    def test_other_preloads_stay_first(self):
        """A library that is in LD_PRELOAD before us sees as many calls as without us, and we see those that it passes
        on."""
        command = [PROGRAMS / "teardown"]
        native = run(command)
        alone = count_calls(command, self.folder)
        counts = self.folder / "counts"
        counts.unlink()
        recording = record_by_preload(command, self.folder / "traces", before=COUNTING_PRELOAD,
                                      env={"COUNTING_PRELOAD_FILE": counts})
        self.assert_same_outcome(native, recording)
        # The loader makes a call more for a library more.
        for found, expected in zip(struct.unpack("<QQ", counts.read_bytes()), alone):
            self.assert_near(found, expected, 4)
        memory = recording.report()["memory"]
        self.assert_near(memory["total_allocations"], alone[0])
        self.assert_near(memory["total_frees"], alone[1])

    def test_command_keeps_other_preloads(self):
        command = ["sh", "-c", 'echo "$LD_PRELOAD"']
        recording = record(command, self.folder / "traces", env={"LD_PRELOAD": str(COUNTING_PRELOAD)})
        first, *rest = recording.stdout.decode().strip().replace(":", " ").split()
        self.assertEqual(first, str(COUNTING_PRELOAD))
        self.assertEqual([os.path.basename(path) for path in rest], [LIBRARY.name])


if __name__ == "__main__":
    main()
