"""What the end-to-end tests share: where the binaries are, running a program natively and under the recorder, and
reading traces with both readers (the analyzer's report, held against the schema, and the tests' own trace_check).

ctest sets the TIDEMARK_TEST_* variables; without them the release build tree is used, so that a test file also runs by
hand: tests/e2e/ends_test.py [Class.test_name]
"""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema

PROJECT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("TIDEMARK_TEST_BUILD", PROJECT / "build/release"))
TIDEMARK = BUILD / "bin/tidemark"
LIBRARY = BUILD / "lib/libtidemark_preload.so"
PROGRAMS = BUILD / "bin/tests"
TRACE_CHECK = PROGRAMS / "trace_check"
COUNTING_PRELOAD = PROGRAMS / "libcounting_preload.so"
# The scale of the acceptance run instead of ctest's.
FULL = os.environ.get("TIDEMARK_TEST_FULL") == "1"

# What the recorder may count otherwise than an independent count: calls made before its first event or after its last.
SLACK = 64

_SCHEMA = jsonschema.Draft202012Validator(json.loads((PROJECT / "docs/report.schema.json").read_text()))


def scaled(quick, full):
    return full if FULL else quick


@dataclass
class Outcome:
    """What a program did, as seen from outside."""

    stdout: bytes
    stderr: bytes
    status: int  # as a shell has it: 128 + N for signal N


@dataclass
class Recording(Outcome):
    folder: Path
    traces: list[Path]
    pid: int | None = None
    _checked: dict = field(default_factory=dict)

    def trace(self) -> Path:
        assert len(self.traces) == 1, f"one trace expected: {self.traces}"
        return self.traces[0]

    def check(self, path=None) -> dict:
        """The trace as trace_check sees it. It must have no structural problem."""
        (found,) = check_traces([path or self.trace()])
        return found

    def report(self) -> dict:
        """The report of the only trace."""
        return report(self.trace())

    def report_tree(self) -> dict:
        return report(self.folder)


def run(command, *, stdin=b"", env=None, cwd=None, timeout=300, preexec_fn=None) -> Outcome:
    """Runs a command to its end."""
    result = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, cwd=cwd, check=False,
                            env=_environment(env), timeout=timeout, preexec_fn=preexec_fn)
    status = result.returncode if result.returncode >= 0 else 128 - result.returncode
    return Outcome(result.stdout, result.stderr, status)


def _environment(changes):
    """The environment with changes; None removes. Nothing of a recorder's leaks in from outside."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("TIDEMARK_") and name not in ("LD_PRELOAD", "COUNTING_PRELOAD_FILE")}
    for name, value in (changes or {}).items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = str(value)
    return environment


def recorder(folder, options=()) -> list:
    """`tidemark run` as a prefix of a command: quiet, traces into `folder`."""
    return [TIDEMARK, "run", "--quiet", "--report", "none", "-o", Path(folder) / "%e.%p.tidemark", *options, "--"]


def record(command, folder, *, options=(), env=None, **more) -> Recording:
    """Runs a command under `tidemark run`. Its streams and status are to be the program's own: --quiet."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    outcome = run([*recorder(folder, options), *command], env=env, **more)
    return Recording(outcome.stdout, outcome.stderr, outcome.status, folder, traces_in(folder))


def record_by_preload(command, folder, *, pattern="%e.%p.tidemark", env=None, before="", **more) -> Recording:
    """Runs a command with the library in LD_PRELOAD and nothing else: no `tidemark run` tidies up behind it.
    `before`: libraries preloaded ahead of it."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    changes = {"LD_PRELOAD": f"{before} {LIBRARY}".strip(), "TIDEMARK_OUTPUT": folder / pattern, **(env or {})}
    outcome = run(command, env=changes, **more)
    return Recording(outcome.stdout, outcome.stderr, outcome.status, folder, traces_in(folder))


def traces_in(folder) -> list[Path]:
    return sorted(path for path in Path(folder).iterdir() if ".tidemark" in path.name)


def check_traces(paths, allow_problems=False) -> list[dict]:
    """trace_check's view of traces, in the order of `paths`; those that never began come back with unborn = 1."""
    result = subprocess.run([TRACE_CHECK, *paths], capture_output=True, text=True, check=False, timeout=600)
    views = [json.loads(line) for line in result.stdout.splitlines()]
    if not allow_problems:
        problems = {view["path"]: view["problems"] for view in views if view["problem_count"] != 0}
        assert not problems and len(views) == len(paths), f"{problems} {result.stderr}"
    return views


def report(*paths) -> dict:
    """`tidemark report --format json`, held against the schema in every call."""
    result = subprocess.run([TIDEMARK, "report", "--format", "json", *paths], capture_output=True, check=False,
                            timeout=600, env=_environment(None))
    assert result.returncode == 0, f"tidemark report: status {result.returncode}: {result.stderr.decode()}"
    document = json.loads(result.stdout)
    _SCHEMA.validate(document)
    return document


def count_calls(command, folder, *, env=None, **more) -> tuple[int, int]:
    """Allocations and frees of a native run, by the counting preload."""
    counts = Path(folder) / "counts"
    counts.unlink(missing_ok=True)
    counted = run(command, env={**(env or {}), "LD_PRELOAD": COUNTING_PRELOAD, "COUNTING_PRELOAD_FILE": counts}, **more)
    assert counted.status < 128, f"the counting preload broke {command}: status {counted.status}"
    return struct.unpack("<QQ", counts.read_bytes())


class TestCase(unittest.TestCase):
    """A test with a folder of its own, which goes away with it."""

    maxDiff = 4000

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tidemark_test."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def assert_same_outcome(self, native: Outcome, recorded: Outcome, mask=lambda text: text):
        """stdout, stderr and status, byte for byte (but for what `mask` takes out of stdout and stderr)."""
        self.assertEqual(mask(native.stdout), mask(recorded.stdout))
        self.assertEqual(mask(native.stderr), mask(recorded.stderr))
        self.assertEqual(native.status, recorded.status)

    def assert_near(self, found, expected, slack=SLACK, what=""):
        self.assertLessEqual(abs(found - expected), slack, f"{what}: {found} found, {expected} expected")

    def assert_readers_agree(self, view: dict, document: dict):
        """The analyzer and trace_check read the same from a trace."""
        memory = document["memory"]
        self.assertEqual(memory["total_allocations"], view["allocations"])
        self.assertEqual(memory["total_frees"] + memory["unknown_frees"], view["frees"])
        self.assertEqual(memory["unknown_frees"], view["unknown_frees"])
        self.assertEqual(memory["total_allocated_bytes"], view["total_bytes"])
        self.assertEqual(memory["live_bytes_at_end"], view["end_live_bytes"])
        self.assertEqual(memory["live_blocks_at_end"], view["end_live_blocks"])
        if view["order_repairs"] == 0:
            self.assertEqual(memory["peak_live_bytes"], view["peak_live_bytes"])
        else:  # events of two threads within the clock's slack: either order may be the peak's
            self.assert_near(memory["peak_live_bytes"], view["peak_live_bytes"], view["peak_live_bytes"] // 100)
        self.assertEqual(document["process"]["pid"], view["pid"])
        self.assertEqual(document["process"]["parent_pid"], view["parent_pid"])

    @contextlib.contextmanager
    def memory_group(self, limit):
        """A memory cgroup of either version; yields the file that takes its members."""
        if os.geteuid() != 0:
            self.skipTest("only root makes cgroups")
        for parent, name in ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
                             (Path("/sys/fs/cgroup"), "memory.max")):
            group = parent / f"tidemark_test.{os.getpid()}"
            try:
                group.mkdir()
                (group / name).write_text(str(limit))
            except OSError:
                with contextlib.suppress(OSError):
                    group.rmdir()
                continue
            try:
                yield group / "cgroup.procs"
            finally:
                for _ in range(100):
                    with contextlib.suppress(OSError):
                        group.rmdir()
                        break
                    time.sleep(0.05)
            return
        self.skipTest("no memory cgroup can be made here")

    def record_and_compare(self, command, *, mask=lambda text: text, options=(), name="traces", **more) -> Recording:
        """Natively and under `tidemark run`: the same outcome."""
        native = run(command, **more)
        recording = record(command, self.folder / name, options=options, **more)
        self.assert_same_outcome(native, recording, mask)
        return recording


def counts_in(output: bytes) -> list[int]:
    """The numbers behind the last "counts" that a test program printed."""
    line = [line for line in output.decode().splitlines() if "counts " in line][-1]
    return [int(number) for number in line.split("counts ")[1].split()]


def main():
    unittest.main(verbosity=2)
