#!/usr/bin/python3
"""Surroundings that take something away from the recorder: descriptors, folders, rights, disk, limits. The program
never notices, at most one line of ours is on stderr, and what was recorded up to there can be read."""

import contextlib
import ctypes
import os
import resource
import shutil
import unittest

from tidemark_testing import LIBRARY, PROGRAMS, TestCase, check_traces, main, record, record_by_preload, report, run

NO_SPACE, TRACE_CAP = 1, 2  # trace::StopReason
IS_ROOT = os.geteuid() == 0


def limit(which, value):
    """For preexec_fn: lowers a limit in the program only."""
    return lambda: resource.setrlimit(which, (value, value))


class HostileSurroundings(TestCase):
    def assert_like_native(self, command, through=record, lines_of_ours=0, native_folder=None, **more):
        """The same outcome, but for `lines_of_ours` lines of ours on stderr."""
        native = run(command, **{name: value for name, value in more.items() if name in ("preexec_fn", "cwd")})
        recording = through(command, self.folder / "traces", **more)
        self.assertEqual(native.stdout, recording.stdout)
        self.assertEqual(native.status, recording.status)
        ours = [line for line in recording.stderr.splitlines(keepends=True) if line.startswith(b"tidemark: ")]
        rest = [line for line in recording.stderr.splitlines(keepends=True) if not line.startswith(b"tidemark: ")]
        self.assertEqual(native.stderr, b"".join(rest))
        self.assertEqual(len(ours), lines_of_ours, recording.stderr)
        return recording

    def own_folder(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    @contextlib.contextmanager
    def mounted(self, folder, options):
        """A tmpfs of its own."""
        libc = ctypes.CDLL(None, use_errno=True)
        read_only = 1 if options == b"ro" else 0
        if libc.mount(b"tmpfs", bytes(folder), b"tmpfs", read_only, b"" if read_only else options) != 0:
            self.skipTest(f"mount: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            libc.umount2(bytes(folder), 2)

    # --- descriptors

    def test_program_closes_every_descriptor(self):
        files = self.own_folder("files")
        recording = self.assert_like_native([PROGRAMS / "close_descriptors", files])
        self.assertEqual(recording.stdout, b"100000 allocations\n")
        self.assert_near(recording.check()["allocations"], 100_000)
        self.assertEqual(len(list(files.iterdir())), 60)

    def test_no_descriptor_left(self):
        recording = self.assert_like_native([PROGRAMS / "limits", "descriptors"])
        self.assertIn(b"last descriptor 63, errno 24", recording.stdout)
        self.assert_near(recording.check()["allocations"], 601_000)

    def test_no_descriptor_is_held(self):
        """While a program runs, none of its descriptors is ours."""
        script = "import os; x = [str(i) for i in range(1000)]; print(sorted(os.readlink('/proc/self/fd/' + n) " \
                 "for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n) and int(n) > 2))"
        recording = self.assert_like_native(["/usr/bin/python3", "-c", script])
        self.assertEqual(recording.stdout, b"[]\n")

    # --- folders and rights

    def leaves(self, how, **more):
        recording = self.assert_like_native([PROGRAMS / "moves_away", how, self.own_folder("elsewhere")], **more)
        self.assertEqual(recording.stdout, b"405000 allocations\n")
        view = recording.check()
        self.assert_near(view["allocations"], 405_000)
        self.assertEqual(view["life_end_kind"], 1)
        self.assertEqual(recording.report()["process"]["end"], {"kind": "exited", "code": 0})
        # The command trims what the program could not.
        self.assertLess(view["file_bytes"], 100 << 20)

    def test_chdir(self):
        self.leaves("chdir")

    @unittest.skipUnless(IS_ROOT, "needs root")
    def test_chroot(self):
        self.leaves("chroot")

    @unittest.skipUnless(IS_ROOT, "needs root")
    def test_setuid(self):
        self.leaves("setuid")

    def test_folder_is_removed(self):
        # rmdir is for the program's own folder, which exists once.
        command = [PROGRAMS / "moves_away", "rmdir"]
        recording = record([*command, self.own_folder("elsewhere")], self.folder / "traces")
        self.assertEqual((recording.stdout, recording.stderr, recording.status), (b"405000 allocations\n", b"", 0))
        self.assert_near(recording.check()["allocations"], 405_000)

    def test_output_folder_is_missing(self):
        recording = self.assert_like_native([PROGRAMS / "limits", "plain"], through=record_by_preload,
                                            pattern="missing/%p.tidemark", lines_of_ours=1)
        self.assertEqual(recording.traces, [])

    def test_output_folder_is_read_only(self):
        folder = self.own_folder("traces")
        with contextlib.ExitStack() as stack:
            if IS_ROOT:  # it may write anywhere but to a read-only file system
                stack.enter_context(self.mounted(folder, b"ro"))
            else:
                folder.chmod(0o500)
            recording = self.assert_like_native([PROGRAMS / "limits", "plain"], through=record_by_preload,
                                                lines_of_ours=1)
            self.assertEqual(recording.traces, [])

    # --- disk

    @unittest.skipUnless(IS_ROOT, "needs root, to mount")
    def test_disk_fills_up(self):
        """A store to a full disk would be SIGBUS. Also a disk that is full from the start."""
        for megabytes, recorded in ((4, True), (1, False)):
            disk = self.own_folder("disk")
            with self.subTest(megabytes=megabytes), self.mounted(disk, f"size={megabytes}m".encode()):
                if not recorded:
                    (disk / "filler").write_bytes(bytes(1 << 20))
                command = [PROGRAMS / "limits", "plain"]
                native = run(command)
                result = run(command, env={"LD_PRELOAD": LIBRARY, "TIDEMARK_OUTPUT": disk / "x.tidemark",
                                           "TIDEMARK_MAX_TRACE_SIZE": "1G"})
                self.assertEqual((native.stdout, native.status), (result.stdout, result.status))
                self.assertEqual(result.stderr.count(b"\n"), 1, result.stderr)
                self.assertIn(b"no space left on device", result.stderr)
                if recorded:
                    (view,) = check_traces([disk / "x.tidemark"])
                    self.assertEqual(view["stop_reason"], NO_SPACE)
                    self.assertGreater(view["allocations"], 100_000)
                    document = report(disk / "x.tidemark")
                    self.assertFalse(document["recording"]["complete"])
                    self.assertNotEqual(document["recording"]["lost"], [])
                    self.assertEqual(document["memory"]["total_allocations"], view["allocations"])

    def test_largest_trace_size(self):
        recording = self.assert_like_native([PROGRAMS / "limits", "plain"], options=["--max-trace-size", "3M"],
                                            lines_of_ours=1)
        view, document = recording.check(), recording.report()
        self.assertEqual(view["stop_reason"], TRACE_CAP)
        self.assertLessEqual(view["file_bytes"], 3 << 20)
        self.assertGreater(view["allocations"], 100_000)
        self.assertLess(view["allocations"], 500_000)
        self.assertFalse(document["recording"]["complete"])
        self.assertIsNotNone(document["recording"]["stopped"])
        self.assertNotEqual(document["recording"]["lost"], [])
        # The size that is asked for is no limit when it is not reached.
        self.folder.joinpath("traces").rename(self.folder / "done")
        recording = self.assert_like_native([PROGRAMS / "limits", "plain"], options=["--max-trace-size", "64M"])
        self.assertTrue(recording.report()["recording"]["complete"])

    # --- limits

    def test_file_size_limit_of_the_program(self):
        """It limits its own files once it runs; ours grows on."""
        recording = self.assert_like_native([PROGRAMS / "limits", "file_size", self.folder / "file"])
        self.assertIn(b"wrote 1048576, errno 27", recording.stdout)
        self.assert_near(recording.check()["allocations"], 601_000)

    def test_file_size_limit_from_outside(self):
        """RLIMIT_FSIZE: past it the kernel would send SIGXFSZ. Stops there, or does not begin."""
        for megabytes, stops in ((0, True), (4, True), (64, False)):
            with self.subTest(megabytes=megabytes):
                traces = self.own_folder("traces")
                size = megabytes << 20 or 1024
                recording = self.assert_like_native([PROGRAMS / "limits", "plain"], through=record_by_preload,
                                                    preexec_fn=limit(resource.RLIMIT_FSIZE, size),
                                                    lines_of_ours=int(stops))
                if megabytes == 0:
                    self.assertEqual(recording.traces, [])
                else:
                    view = recording.check()
                    self.assertLessEqual(view["file_bytes"], size)
                    self.assertEqual(view["stop_reason"], TRACE_CAP if stops else 0)
                    self.assertGreater(view["allocations"], 100_000)
                self.assertTrue(traces.exists())

    def test_address_space_limit(self):
        """RLIMIT_AS: the program needs it itself; the recorder takes a small part or nothing."""
        for megabytes in (48, 100, 300, 1000, 4000):
            with self.subTest(megabytes=megabytes):
                self.own_folder("traces")
                # One arena: glibc would try to map another one at each call of a thread.
                more = {"env": {"MALLOC_ARENA_MAX": "1"}, "preexec_fn": limit(resource.RLIMIT_AS, megabytes << 20)}
                native = run([PROGRAMS / "limits", "plain"], **more)
                recording = record_by_preload([PROGRAMS / "limits", "plain"], self.folder / "traces", **more)
                self.assertEqual((native.stdout, native.status), (recording.stdout, recording.status))
                self.assertLessEqual(recording.stderr.count(b"\n"), 1, recording.stderr)
                for trace in recording.traces:
                    view = recording.check(trace)
                    if view["stop_reason"] == 0:
                        self.assert_near(view["allocations"], 601_000)
                if megabytes >= 300:
                    self.assertEqual(recording.stderr, b"")
                    self.assertEqual(len(recording.traces), 1)


if __name__ == "__main__":
    main()
