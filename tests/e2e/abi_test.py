#!/usr/bin/python3
"""What libtidemark_preload.so shows and needs: the exports of preload/exports.map, libc and the loader, nothing of
C++."""

import re
import subprocess

from tidemark_testing import LIBRARY, PROJECT, TestCase, main


def symbols(*options):
    output = subprocess.run(["nm", "-D", *options, LIBRARY], check=True, capture_output=True, text=True).stdout
    return [(line.split()[-2], line.split()[-1].split("@")[0]) for line in output.splitlines()]


class Abi(TestCase):
    def test_exports(self):
        text = re.sub(r"/\*.*?\*/", "", (PROJECT / "preload/exports.map").read_text(), flags=re.DOTALL)
        listed = re.search(r"global:(.*?)local:", text, re.DOTALL).group(1)
        expected = {name.strip() for name in listed.split(";") if name.strip()}
        found = {name for kind, name in symbols("--defined-only") if kind != "A"}
        self.assertEqual(found, expected)
        self.assertEqual({kind for kind, _ in symbols("--defined-only")} - {"T", "A", "W"}, set())

    def test_needed(self):
        output = subprocess.run(["readelf", "-d", LIBRARY], check=True, capture_output=True, text=True).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", output))
        self.assertLessEqual(needed, {"libc.so.6", "ld-linux-x86-64.so.2"})
        self.assertIn("libc.so.6", needed)
        self.assertNotIn("RUNPATH", output)
        self.assertNotIn("RPATH", output)
        self.assertNotIn("TEXTREL", output)
        self.assertRegex(output, r"FLAGS_1.*INITFIRST")

    def test_nothing_of_cxx(self):
        undefined = [name for _, name in symbols("--undefined-only")]
        foreign = [name for name in undefined if name.startswith(("_Z", "__cxa_", "__gxx", "_Unwind", "unw_", "_U"))]
        self.assertEqual([name for name in foreign if name != "__cxa_finalize"], [])
        # Its own allocation goes to its own allocator, never through a hook.
        self.assertEqual(set(undefined) & {"malloc", "free", "calloc", "realloc", "mmap", "munmap"}, set())

    def test_thread_local_storage(self):
        """Thread-local storage is initial-exec: no call of __tls_get_addr, which may allocate."""
        self.assertNotIn("__tls_get_addr", [name for _, name in symbols("--undefined-only")])


if __name__ == "__main__":
    main()
