#!/usr/bin/python3
"""However one process comes from another, each has a trace of its own that names its parent, and all of them make one
tree.

tests/programs/process_tree.c prints "name pid parent-pid allocations" from every process: the record is held against
it.
"""

import time
from dataclasses import dataclass

from tidemark_testing import PROGRAMS, TestCase, check_traces, main, record, record_by_preload, run, traces_in

PROGRAM = PROGRAMS / "process_tree"
EXITED, REPLACED = 1, 3  # trace::EndKind


@dataclass
class Told:
    name: str
    pid: int
    parent: int
    allocations: int


def told(stdout: bytes) -> list[Told]:
    lines = [line.rsplit(" ", 3) for line in stdout.decode().splitlines()]
    return [Told(name, int(pid), int(parent), int(count)) for name, pid, parent, count in lines
            if name != "churned"]


class ProcessTree(TestCase):
    def record_case(self, case, through=record, **more):
        """Records a case: its outcome is the native one (but for pids); its traces by pid, in the order of their
        images."""
        native = run([PROGRAM, case])
        recording = through([PROGRAM, case], self.folder / f"{case}.{through.__name__}", **more)
        self.assertEqual((native.stderr, native.status), (recording.stderr, recording.status))
        self.assertEqual([(one.name, one.allocations) for one in told(native.stdout)],
                         [(one.name, one.allocations) for one in told(recording.stdout)])
        self.assertEqual(recording.status, 0)
        return recording

    def views_by_pid(self, recording):
        views = {}
        for view in sorted(check_traces(recording.traces), key=lambda view: view["image"]):
            views.setdefault(view["pid"], []).append(view)
        return views

    def assert_told(self, recording, processes=None):
        """Each process that told something has a trace with as many allocations; nothing is lost or unknown."""
        lines = told(recording.stdout)
        by_pid = self.views_by_pid(recording)
        for pid in {line.pid for line in lines}:
            images = by_pid[pid]
            mine = [line for line in lines if line.pid == pid]
            self.assertEqual(len({line.name for line in mine}), len(mine))
            if len(images) == len(mine):
                for line, view in zip(mine, images):
                    self.assertEqual(view["allocations"], line.allocations)
                    self.assertEqual(view["frees"], line.allocations - 1)
                    self.assertEqual(view["live_blocks"], 1)
            for line, view in zip(mine, images):
                self.assertEqual(view["unknown_frees"], 0)
                if line.parent != 1:  # the daemon's has gone
                    self.assertEqual(view["parent_pid"], line.parent)
        if processes is not None:
            self.assertEqual(len(by_pid), processes)
        for images in by_pid.values():
            self.assertEqual([view["image"] for view in images], list(range(len(images))))
            for view in images:
                self.assertEqual(sum(view["lost"]), 0, view)
        return by_pid

    def assert_one_tree(self, recording):
        """The report of the folder has every trace once, and one root; a child hangs below its parent."""
        document = recording.report_tree()
        self.assertEqual(document["schema"], "tidemark.report-tree/1")
        views = {view["trace_id"]: view for view in check_traces(recording.traces)}
        self.assertEqual(len(document["reports"]), len(views))
        self.assertEqual(len(document["tree"]), len(views))
        ids = {int(node["trace_id"], 16) for node in document["tree"]}
        self.assertEqual(ids, set(views))
        roots = [node for node in document["tree"] if node["parent_trace_id"] is None]
        self.assertEqual(len(roots), 1)
        for node in document["tree"]:
            view = views[int(node["trace_id"], 16)]
            self.assertEqual((node["pid"], node["parent_pid"]), (view["pid"], view["parent_pid"]))
            if node["parent_trace_id"] is not None:
                self.assertIn(int(node["parent_trace_id"], 16), ids)
        totals = document["totals"]
        self.assertEqual(totals["total_allocations"], sum(view["allocations"] for view in views.values()))
        return document

    def test_fork(self):
        recording = self.record_case("fork")
        by_pid = self.assert_told(recording, processes=2)
        self.assert_one_tree(recording)
        child, parent = told(recording.stdout)
        self.assertEqual(by_pid[child.pid][0]["parent_trace_id"], by_pid[parent.pid][0]["trace_id"])
        self.assertEqual(by_pid[child.pid][0]["forked"], 1)
        self.assertEqual(by_pid[parent.pid][0]["forks"], [child.pid])

    def test_nested(self):
        """A child that forks before it has allocated anything is in the tree between the two."""
        recording = self.record_case("nested")
        by_pid = self.assert_told(recording, processes=3)
        self.assert_one_tree(recording)
        grandchild, child, parent = told(recording.stdout)
        self.assertEqual(by_pid[grandchild.pid][0]["parent_trace_id"], by_pid[child.pid][0]["trace_id"])
        self.assertEqual(by_pid[child.pid][0]["parent_trace_id"], by_pid[parent.pid][0]["trace_id"])

    def test_fork_exec(self):
        recording = self.record_case("fork_exec")
        self.assert_told(recording, processes=2)
        self.assert_one_tree(recording)

    def test_vfork_exec(self):
        """The parent's trace goes on, and has nothing of the child's; an exec that fails in the child changes
        nothing."""
        recording = self.record_case("vfork_exec")
        by_pid = self.assert_told(recording, processes=4)
        self.assert_one_tree(recording)
        parent = by_pid[told(recording.stdout)[-1].pid][0]
        self.assertEqual(parent["end_kind"], EXITED)
        children = [one.pid for one in told(recording.stdout)][:3]
        self.assertEqual([spawn["pid"] for spawn in parent["spawns"]][:3], children)

    def test_spawn_with_fresh_environment(self):
        recording = self.record_case("spawn")
        self.assert_told(recording, processes=3)
        self.assert_one_tree(recording)

    def test_every_exec(self):
        """All eight of the exec family, some with an environment built afresh."""
        recording = self.record_case("exec_family")
        self.assert_told(recording, processes=9)
        self.assert_one_tree(recording)

    def test_exec_in_place(self):
        recording = self.record_case("exec")
        by_pid = self.assert_told(recording, processes=1)
        self.assert_one_tree(recording)
        (images,) = by_pid.values()
        self.assertEqual([view["end_kind"] for view in images], [REPLACED, EXITED])
        self.assertEqual(images[1]["parent_trace_id"], images[0]["trace_id"])

    def test_exec_twice_with_fresh_environment(self):
        recording = self.record_case("exec_fresh")
        by_pid = self.assert_told(recording, processes=1)
        self.assert_one_tree(recording)
        (images,) = by_pid.values()
        self.assertEqual(len(images), 3)

    def test_exec_that_fails(self):
        """The record goes on behind it. What the kernel need not be asked for (no such file) is not even noted."""
        recording = self.record_case("exec_fails")
        view = recording.check()
        self.assertEqual(view["allocations"], 250)
        self.assertEqual(view["end_kind"], EXITED)
        # An exec that is sure to fail is not noted; one that is noted is taken back.
        self.assertEqual(view["exec_failures"], len(view["execs"]))
        self.assertEqual(recording.report()["memory"]["total_allocations"], 250)

    def test_names_without_pid_in_the_pattern(self):
        """Never overwritten: .PID.N is added."""
        for case, expected in (("exec", 2), ("fork", 2), ("exec_fresh", 3)):
            with self.subTest(case=case):
                recording = self.record_case(case, through=record_by_preload, pattern="same.tidemark")
                names = {path.name for path in recording.traces}
                self.assertEqual(len(names), expected)
                self.assertIn("same.tidemark", names)
                by_pid = self.views_by_pid(recording)
                for path, view in zip(recording.traces, check_traces(recording.traces)):
                    if path.name != "same.tidemark":
                        self.assertRegex(path.name, rf"^same\.tidemark\.{view['pid']}\.\d+$")
                self.assertEqual(sum(len(images) for images in by_pid.values()), expected)

    def test_daemon(self):
        """It forks twice, closes everything, outlives its parent, and is recorded to its end."""
        recording = self.record_case("daemon", through=record_daemon)
        by_pid = self.assert_told(recording, processes=3)
        self.assert_one_tree(recording)
        daemon = next(one for one in told(recording.stdout) if one.name == "daemon")
        self.assertEqual(by_pid[daemon.pid][0]["end_kind"], EXITED)
        self.assertEqual(by_pid[daemon.pid][0]["allocations"], 300)

    def test_fork_while_threads_allocate(self):
        recording = record([PROGRAM, "fork_threads"], self.folder / "traces")
        self.assertEqual((recording.stderr, recording.status), (b"", 0))
        views = check_traces(recording.traces)
        children = [view for view in views if view["forked"]]
        (parent,) = [view for view in views if not view["forked"]]
        self.assertEqual([view["allocations"] for view in children], [200] * 40)
        self.assertEqual({view["pid"] for view in children}, set(parent["forks"]))
        churned = int(recording.stdout.decode().split("churned ")[1])
        self.assert_near(parent["allocations"], churned + 100)
        self.assertEqual(parent["unknown_frees"], 0)

    def test_fork_storm(self):
        """200 children at once: 201 traces."""
        recording = self.record_case("storm")
        by_pid = self.assert_told(recording, processes=201)
        self.assert_one_tree(recording)
        self.assertEqual({view["end_kind"] for images in by_pid.values() for view in images}, {EXITED})

    def test_children_that_do_nothing(self):
        recording = self.record_case("exit_at_once")
        by_pid = self.assert_told(recording)
        (parent,) = [view for images in by_pid.values() for view in images if not view["forked"]]
        # Forked children that only _exit are in the tree; the vfork child is no process of its own.
        self.assertEqual(len(parent["forks"]), 5)
        self.assertEqual(set(by_pid), {parent["pid"], *parent["forks"]})

    def test_children_of_libc(self):
        """system() and popen() start processes inside libc, where no hook sees them; their place in the tree is
        right."""
        recording = self.record_case("system")
        lines = told(recording.stdout)
        by_pid = self.views_by_pid(recording)
        pid = lines[-1].pid
        self.assertEqual(len(by_pid), 3)
        self.assertEqual(len(by_pid[pid]), 2)
        document = recording.report_tree()
        for line in lines[1:3]:
            # A shell that becomes the child: two images, the first one a child of the parent's second image.
            shell, child = by_pid[line.pid]
            self.assertEqual(child["allocations"], 200)
            self.assertEqual(child["parent_trace_id"], shell["trace_id"])
            self.assertEqual(shell["parent_pid"], pid)
            (node,) = [node for node in document["tree"] if int(node["trace_id"], 16) == shell["trace_id"]]
            self.assertEqual(node["parent_pid"], pid)
            self.assertIn(node["parent_trace_id"], (None, f"{by_pid[pid][1]['trace_id']:016x}"))

    def test_no_follow_fork(self):
        """Only the first image is recorded, whatever comes of it."""
        for case in ("fork", "nested", "fork_exec", "vfork_exec", "spawn", "exec_family"):
            with self.subTest(case=case):
                recording = self.record_case(case, options=["--no-follow-fork"])
                view = recording.check()
                self.assertEqual(view["allocations"], 100)
        recording = self.record_case("exec", options=["--no-follow-fork"])
        self.assertEqual(recording.check()["end_kind"], REPLACED)


def record_daemon(command, folder):
    """The daemon's line comes after its parent's end, on the same pipe; its trace is whole when it is gone."""
    recording = record(command, folder)
    for _ in range(100):
        views = check_traces(traces_in(folder))
        if len(views) == 3 and all(view["end_kind"] for view in views):
            break
        time.sleep(0.05)
    recording.traces = traces_in(folder)
    return recording


if __name__ == "__main__":
    main()
