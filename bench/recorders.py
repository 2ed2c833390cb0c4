"""How a program is run natively and under each recorder, and what one run gives.

The time is the wall time from the program's start to its end; of a server, the time that its client takes. For Tidemark
it is the time of the whole command `tidemark run`, which also completes the trace; LeakSanitizer's includes its search
for leaks at the end; heaptrack's interpreter beside the program may finish later (`finished`). Peak RSS is the
program's, the recorder inside it included, as the kernel counts it (wait4).
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from workloads import OUR_PROGRAMS, PROJECT, Workload

TIDEMARK = PROJECT / "build/release/bin/tidemark"
PRELOAD = PROJECT / "build/release/lib/libtidemark_preload.so"
LAUNCH = OUR_PROGRAMS / "launch"
HEAPTRACK = Path("/usr/lib/heaptrack")


class RunFailed(Exception):
    pass


def spawn(command, **options) -> subprocess.Popen:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL,
                            **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options})


class Recorder:
    """Natively: every other way to run a program differs in what stands before it and in its environment."""

    name = "native"
    title = "native"
    base = None  # the name of the recorder that its times are compared with

    def command(self, workload: Workload, traces: Path) -> list:
        return workload.command

    def environment(self, traces: Path) -> dict:
        return {}

    def start_helpers(self, traces: Path) -> list[subprocess.Popen]:
        return []

    def run(self, workload: Workload, traces: Path, on_start=None) -> dict:
        """One run; `on_start` is called with the process of `launch`, whose child is the program."""
        result = traces / "launch.json"
        helpers = self.start_helpers(traces)
        variables = {**workload.env, **self.environment(traces)}
        started = time.monotonic()
        process = spawn([LAUNCH, result, *(f"{name}={value}" for name, value in variables.items()),
                         *self.command(workload, traces)])
        if on_start:
            on_start(process)
        client_time = self.serve(workload, process) if workload.client else None
        process.wait()
        sample = json.loads(result.read_text()) if result.exists() else {"status": process.returncode}
        result.unlink(missing_ok=True)
        failed = sample["status"] != 0 or (workload.client and client_time is None)
        for helper in helpers:
            if failed:
                helper.kill()  # It may wait for a program that never opened its pipe.
            helper.wait()
        if failed:
            raise RunFailed(f"{workload.name} under {self.name} ended with status {sample['status']}")
        sample["finished"] = time.monotonic() - started
        if client_time:
            sample["finished"] += client_time - sample["wall"]
            sample["wall"] = client_time
        return sample

    @staticmethod
    def serve(workload: Workload, process: subprocess.Popen) -> float | None:
        """Waits for the server, has its client run, and stops it; the client's time, or None if there is no server."""
        while subprocess.run(workload.ready, capture_output=True).returncode != 0:
            if process.poll() is not None:
                return None
            time.sleep(0.02)
        started = time.monotonic()
        client = subprocess.run(workload.client, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wall = time.monotonic() - started
        subprocess.run(workload.stop, capture_output=True)
        return wall if client.returncode == 0 else None


class Tidemark(Recorder):
    """The record of events alone."""

    name = "tidemark"
    title = "Tidemark"
    base = "native"
    snapshots = "never"

    def command(self, workload: Workload, traces: Path) -> list:
        return [TIDEMARK, "run", "--report", "none", "--quiet", "--snapshot", self.snapshots, "-o",
                traces / "%e.%p.tidemark", "--", *workload.command]


class TidemarkSnapshots(Tidemark):
    """With heap snapshots as by default; the command waits for the last one to be written."""

    name = "tidemark_snapshots"
    title = "Tidemark with snapshots"
    snapshots = "exit,growth=2"


class TidemarkPreloaded(Recorder):
    """Without the command beside the program, as in a service's environment."""

    name = "tidemark_preloaded"
    title = "Tidemark, preloaded"
    base = "native"

    def environment(self, traces: Path) -> dict:
        return {"LD_PRELOAD": PRELOAD, "TIDEMARK_OUTPUT": traces / "%e.%p.tidemark",
                "TIDEMARK_SNAPSHOT": "never"}


class Heaptrack(Recorder):
    """What the heaptrack script does, without its shell around the program: a pipe to its interpreter, compressed."""

    name = "heaptrack"
    title = "heaptrack"
    base = "native"

    def environment(self, traces: Path) -> dict:
        return {"LD_PRELOAD": HEAPTRACK / "libheaptrack_preload.so", "DUMP_HEAPTRACK_OUTPUT": traces / "pipe"}

    def start_helpers(self, traces: Path) -> list[subprocess.Popen]:
        os.mkfifo(traces / "pipe")
        with open(traces / "trace.zst", "wb") as output:
            interpreter = spawn(["sh", "-c", 'exec "$0" < "$1"', HEAPTRACK / "libexec/heaptrack_interpret",
                                 traces / "pipe"], stdout=subprocess.PIPE)
            compressor = subprocess.Popen(["zstd", "-qc"] if shutil.which("zstd") else ["gzip", "-c"],
                                          stdin=interpreter.stdout, stdout=output)
        interpreter.stdout.close()
        return [interpreter, compressor]


class LeakSanitizer(Recorder):
    """gcc's, preloaded into the unchanged program, with its default options; leaks do not change the exit status."""

    name = "lsan"
    title = "LeakSanitizer"
    base = "native"

    def __init__(self) -> None:
        library = subprocess.run(["gcc", "-print-file-name=liblsan.so"], capture_output=True, text=True)
        self.library = Path(library.stdout.strip()).resolve()

    def environment(self, traces: Path) -> dict:
        return {"LD_PRELOAD": self.library, "LSAN_OPTIONS": f"exitcode=0:log_path={traces / 'lsan'}"}


class Jemalloc(Recorder):
    """Another allocator: what its sampling is compared with."""

    name = "jemalloc"
    title = "jemalloc"
    base = "native"

    def environment(self, traces: Path) -> dict:
        return {"LD_PRELOAD": "libjemalloc.so.2"}


class JemallocSampling(Jemalloc):
    """jemalloc's sampling profiler at its usual rate of one sample in 512 KiB, with a profile at the end."""

    name = "jemalloc_sampling"
    title = "jemalloc sampling"
    base = "jemalloc"

    def environment(self, traces: Path) -> dict:
        return {**super().environment(traces), "MALLOC_CONF":
                f"prof:true,prof_active:true,lg_prof_sample:19,prof_final:true,prof_prefix:{traces / 'jeprof'}"}


NATIVE = Recorder()
RECORDERS = {recorder.name: recorder for recorder in
             (Tidemark(), TidemarkSnapshots(), Heaptrack(), LeakSanitizer(), Jemalloc(), JemallocSampling())}
