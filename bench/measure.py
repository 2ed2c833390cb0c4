"""Runs a workload natively and under each recorder in interleaved rounds, and sums up what was measured.

Within a round the runs follow directly upon one another, so that a slow moment of the machine meets all of them; a
ratio is the median of the rounds' ratios. Events, trace bytes and the memory without trace pages come from one further
run under Tidemark that is not timed.

The peak without trace pages: trace pages are the file's, shared and written back, and the kernel takes them away when
memory is short; they count in RSS all the same. During the untimed run /proc/PID/smaps says every 10 ms how many of
them are resident. What they were when the resident set was largest is subtracted from the kernel's own high-water mark
of that run, so that no peak between two readings is missed.
"""

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from recorders import NATIVE, TIDEMARK, Recorder, RunFailed, TidemarkPreloaded
from workloads import Workload

STARTS = 50


def describe_machine() -> dict:
    def value_of(path, key, separator):
        with contextlib.suppress(OSError), open(path) as file:
            for line in file:
                if line.startswith(key):
                    return line.split(separator, 1)[1].strip().strip('"')
        return "unknown"

    return {"processor": value_of("/proc/cpuinfo", "model name", ":"), "cores": os.cpu_count(),
            "kernel": platform.release(), "distribution": value_of("/etc/os-release", "PRETTY_NAME", "=")}


def run_once(recorder: Recorder, workload: Workload, scratch: Path) -> dict:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        traces = Path(folder)
        sample = recorder.run(workload, traces)
        sample["trace_bytes"] = sum(file.stat().st_size for file in traces.iterdir() if file.is_file())
    return sample


def run_rounds(workload: Workload, recorders: list[Recorder], rounds: int, scratch: Path) -> dict:
    """{recorder: its samples, or why it failed}; without a native run or one under Tidemark there is nothing to say."""
    samples = {recorder.name: [] for recorder in recorders}
    failed = {}
    for _ in range(rounds):
        for recorder in recorders:
            if recorder.name in failed or recorder.base in failed:
                continue
            try:
                samples[recorder.name].append(run_once(recorder, workload, scratch))
            except RunFailed as error:
                if recorder is NATIVE or recorder.name.startswith("tidemark"):
                    sys.exit(f"{Path(sys.argv[0]).name}: {error}")
                failed[recorder.name] = str(error)
    return {name: failed.get(name, taken) for name, taken in samples.items()}


# --- what is not timed -----------------------------------------------------------------------------------------------


def resident_pages(pid: int) -> tuple[int, int]:
    """Resident bytes of a process: all, and those of its traces' pages."""
    all_pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    trace_pages = 0
    in_trace = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):  # A mapping's head; after it come lines of "Name: figure".
            in_trace = words[-1].endswith(".tidemark")
        elif in_trace and words[0] == "Rss:":
            trace_pages += int(words[1]) * 1024
    return all_pages, trace_pages


class MemoryWatch:
    """Reads every 10 ms how many trace pages a program holds; `at_peak` is their size when it held most in all."""

    def __init__(self) -> None:
        self.peak = 0
        self.at_peak = None
        self.thread = None

    def start(self, launch: subprocess.Popen) -> None:
        self.thread = threading.Thread(target=self._watch, args=(launch.pid,))
        self.thread.start()

    def _watch(self, launch: int) -> None:
        children = Path(f"/proc/{launch}/task/{launch}/children")
        with contextlib.suppress(OSError, IndexError, ValueError):  # The process has ended.
            while not (pids := children.read_text().split()):
                time.sleep(0.001)
            while True:
                everything, trace = resident_pages(int(pids[0]))
                if everything > self.peak:
                    self.peak, self.at_peak = everything, trace
                time.sleep(0.01)


def compressed_bytes(trace: Path) -> int:
    compressor = subprocess.Popen(["zstd", "-3", "-q", "-c", trace], stdout=subprocess.PIPE)
    size = 0
    while part := compressor.stdout.read(1 << 20):
        size += len(part)
    if compressor.wait() != 0:
        sys.exit(f"zstd failed on {trace}")
    return size


def inspect(workload: Workload, scratch: Path) -> dict:
    """Events, bytes of the traces raw and after zstd -3, and the peak RSS without trace pages."""
    watch = MemoryWatch()
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        sample = TidemarkPreloaded().run(workload, Path(folder), watch.start)
        watch.thread.join()
        traces = sorted(Path(folder).glob("*.tidemark"))
        report = subprocess.run([TIDEMARK, "report", "--format", "json", *traces], check=True, capture_output=True)
        document = json.loads(report.stdout)
        reports = document.get("reports", [document])
        return {
            "events": sum(one["memory"]["total_allocations"] + one["memory"]["total_frees"] for one in reports),
            "trace_bytes": sum(one["recording"]["trace_bytes"] for one in reports),
            "trace_bytes_zstd": sum(compressed_bytes(trace) for trace in traces),
            "peak_rss_without_trace": None if watch.at_peak is None else sample["peak_rss"] - watch.at_peak,
            "recording_complete": all(one["recording"]["complete"] for one in reports),
        }


# --- results ---------------------------------------------------------------------------------------------------------


def summarize(samples: dict, recorders: list[Recorder], inspected: dict) -> dict:
    """Medians: native seconds, and for each recorder its ratio, ns per event, and peak RSS; None if it failed."""
    events = inspected["events"]
    median = statistics.median

    def of_recorder(recorder: Recorder):
        taken = samples[recorder.name]
        if not isinstance(taken, list) or not isinstance(samples[recorder.base], list):
            return None
        pairs = list(zip(taken, samples[recorder.base]))
        return {
            "ratio": median(one["wall"] / base["wall"] for one, base in pairs),
            "finished_ratio": median(one["finished"] / base["wall"] for one, base in pairs),
            "ns_per_event": median(one["wall"] - base["wall"] for one, base in pairs) / events * 1e9,
            "peak_rss": median(one["peak_rss"] for one in taken),
            "trace_bytes": median(one["trace_bytes"] for one in taken),
        }

    native = samples[NATIVE.name]
    seconds = median(sample["wall"] for sample in native)
    summary = {"events": events,
               "native": {"seconds": seconds, "ns_per_event": seconds / events * 1e9,
                          "peak_rss": median(sample["peak_rss"] for sample in native)},
               "trace_bytes_per_event": inspected["trace_bytes"] / events,
               "trace_bytes_per_event_zstd": inspected["trace_bytes_zstd"] / events,
               "peak_rss_without_trace": inspected["peak_rss_without_trace"]}
    for recorder in recorders:
        if recorder is not NATIVE:
            summary[recorder.name] = of_recorder(recorder)
    return summary


def measure_start(recorders: list[Recorder], scratch: Path) -> dict:
    """Milliseconds of a program that does nothing, medians of interleaved starts."""
    workload = Workload("true", ["/bin/true"])
    walls = {recorder.name: [] for recorder in recorders}
    for _ in range(STARTS):
        for recorder in recorders:
            walls[recorder.name].append(run_once(recorder, workload, scratch)["wall"] * 1000)
    return {name: statistics.median(taken) for name, taken in walls.items()}
