#!/usr/bin/python3
"""Unmodified programs of the system under `tidemark run`: stdout, stderr and status are byte for byte the native
ones, and where a program is deterministic the totals are those of an independent count
(tests/tools/counting_preload.c).

The slack of a total is 64 calls: the loader's and libc's own at the start and the end, which the two preloads see at
slightly different moments. TIDEMARK_TEST_FULL=1: the scale of the acceptance run (10 M allocations in python3, a
million rows in sqlite3).
"""

import os
import re
import subprocess
import textwrap
import time

import inputs
from tidemark_testing import (PROGRAMS, SLACK, TestCase, check_traces, count_calls, counts_in, main, recorder, report,
                              run, scaled)


class Deterministic(TestCase):
    """One process, the same calls in every run."""

    def record_and_count(self, command, **more):
        recording = self.record_and_compare(command, **more)
        self.assertEqual(recording.status, 0, recording.stderr)
        allocations, frees = count_calls(command, self.folder, **more)
        view, document = recording.check(), recording.report()
        self.assert_readers_agree(view, document)
        self.assertTrue(document["recording"]["complete"], document["recording"])
        self.assertEqual(document["recording"]["lost"], [])
        self.assert_near(document["memory"]["total_allocations"], allocations, SLACK, "allocations")
        self.assert_near(document["memory"]["total_frees"], frees, SLACK, "frees")
        self.assertEqual(document["memory"]["unknown_frees"], 0)
        self.assertEqual(document["memory"]["overwritten_blocks"], 0)
        print(f"\n  {self.id().split('.')[-1]}: {view['allocations']} allocations, counted {allocations}; "
              f"{view['frees']} frees, counted {frees}; {view['cut_events']} stacks cut", flush=True)
        return document

    def test_python3(self):
        script = inputs.python_script(self.folder, rounds=scaled(32, 350))
        document = self.record_and_count(["/usr/bin/python3", script],
                                         env={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"})
        self.assertGreater(document["memory"]["total_allocations"], scaled(900_000, 10_000_000))

    def test_sqlite3(self):
        script = inputs.sqlite_script(self.folder, rows=scaled(100_000, 1_000_000))
        document = self.record_and_count(["sqlite3", ":memory:", f".read {script}"])
        self.assertGreater(document["memory"]["total_allocations"], scaled(400_000, 4_000_000))

    def test_jq(self):
        items = inputs.json_items(self.folder, count=scaled(10_000, 120_000))
        query = "group_by(.name) | map({name: .[0].name, total: (map(.prices | add) | add)})"
        self.record_and_count(["jq", "-c", query, items])

    def test_xmllint(self):
        document = inputs.xml_document(self.folder, rows=scaled(10_000, 200_000))
        self.record_and_count(["xmllint", "--format", "--noblanks", document])

    def test_two_threads(self):
        rounds = scaled(20_000, 200_000)
        recording = self.record_and_compare([PROGRAMS / "two_threads", rounds])
        allocations, frees = counts_in(recording.stdout)
        view, document = recording.check(), recording.report()
        self.assert_readers_agree(view, document)
        self.assert_near(document["memory"]["total_allocations"], allocations)
        self.assert_near(document["memory"]["total_frees"], frees)
        self.assertEqual(document["recording"]["threads"], 3 if view["threads"][0]["allocations"] else 2)
        self.assertEqual(document["memory"]["unknown_frees"], 0)
        self.assertEqual(document["memory"]["overwritten_blocks"], 0)

    def test_cc1plus(self):
        # The compiler proper, on preprocessed source: what `g++ -###` says that it would run.
        source = inputs.preprocessed_templates(self.folder, types=scaled(1, 4))
        plan = subprocess.run(["g++", "-###", "-std=c++20", "-O1", "-S", "-o", "/dev/null", source], check=True,
                              capture_output=True, text=True).stderr
        line = next(line for line in plan.splitlines() if "cc1plus" in line)
        command = [word.strip('"') for word in line.split()]
        self.record_and_count(command)


class Trees(TestCase):
    """Programs that run others."""

    def test_compiler_driver(self):
        """g++ runs cc1plus by vfork and exec, with the environment it was given."""
        source = inputs.templates(self.folder, types=1)
        recording = self.record_and_compare(["g++", "-std=c++20", "-fsyntax-only", source])
        self.assertEqual(recording.status, 0, recording.stderr)
        document = recording.report_tree()
        self.assertEqual(document["schema"], "tidemark.report-tree/1")
        commands = {os.path.basename(node["command"].split()[0]): node for node in document["tree"]}
        self.assertEqual(set(commands), {"g++", "cc1plus"})
        self.assertEqual(commands["cc1plus"]["parent_pid"], commands["g++"]["pid"])
        reports = {os.path.basename(one["process"]["executable"]): one for one in document["reports"]}
        compiler = next(one for name, one in reports.items() if name == "cc1plus")
        self.assertGreater(compiler["memory"]["total_allocations"], 50_000)
        self.assertEqual(document["totals"]["total_allocations"],
                         sum(one["memory"]["total_allocations"] for one in document["reports"]))
        for view in check_traces(recording.traces):
            self.assertEqual(view["end_kind"], 1, view["path"])

    def test_git(self):
        """A history of its own, made, packed and printed; every git process leaves a whole trace."""
        script = textwrap.dedent("""\
            set -e
            git init -q .
            i=0
            while [ $i -lt 12 ]; do
              i=$((i + 1))
              seq $((i * 100)) $((i * 100 + 300)) > file$((i % 4)).txt
              git add .
              git commit -q -m "change $i"
            done
            git log --stat --format='%H %an %s'
            git gc -q
            git fsck
            git cat-file --batch-check --batch-all-objects
            git diff HEAD~3 HEAD
        """)
        when = "2024-01-02T03:04:05+0000"
        environment = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "C",
                       "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when,
                       "GIT_CONFIG_NOSYSTEM": "1", "HOME": self.folder, "GIT_PAGER": "cat"}
        native_folder, folder = self.folder / "native", self.folder / "recorded"
        native_folder.mkdir(), folder.mkdir()
        native = run(["sh", "-c", script], cwd=native_folder, env=environment)
        traces = self.folder / "traces"
        traces.mkdir()
        recorded = run([*recorder(traces), "sh", "-c", script], cwd=folder, env=environment)
        self.assert_same_outcome(native, recorded)
        self.assertEqual(recorded.status, 0, recorded.stderr)
        self.assertGreater(len(recorded.stdout), 10_000)
        views = check_traces(sorted(traces.iterdir()))
        self.assertGreater(len(views), 30)
        self.assertEqual({view["end_kind"] for view in views} - {1, 3}, set())
        document = report(traces)
        self.assertEqual(len(document["reports"]), len(views))
        # One tree: every process but the shell hangs below another one.
        known = {node["pid"] for node in document["tree"]}
        roots = [node for node in document["tree"] if node["parent_pid"] not in known]
        self.assertEqual(len(roots), 1, roots)


class Server(TestCase):
    """redis-server under redis-benchmark on a local socket."""

    def serve(self, prefix, name, env=None):
        folder = self.folder / name
        folder.mkdir()
        socket = folder / "socket"
        server = subprocess.Popen([*prefix, "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
                                   "--appendonly", "no", "--dir", folder, "--loglevel", "warning"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
        try:
            for _ in range(200):
                ping = subprocess.run(["redis-cli", "-s", socket, "ping"], capture_output=True, check=False)
                if ping.stdout.strip() == b"PONG":
                    break
                self.assertIsNone(server.poll(), "the server ended")
                time.sleep(0.05)
            requests = str(scaled(20_000, 250_000))
            load = ["-q", "-n", requests, "-c", "10", "-P", "16", "-r", "10000", "-d", "64", "-t",
                    "set,get,lpush,sadd,hset"]
            benchmark = subprocess.run(["redis-benchmark", "-s", socket, *load], check=True, capture_output=True,
                                       timeout=300)
            self.assertIn(b"requests per second", benchmark.stdout)
            questions = b"set key value\nget key\nlrange nothing 0 -1\nincr number\ntype key\n"
            answers = subprocess.run(["redis-cli", "-s", socket], check=True, capture_output=True, timeout=60,
                                     input=questions).stdout
            subprocess.run(["redis-cli", "-s", socket, "shutdown", "nosave"], check=False, capture_output=True)
            stdout, stderr = server.communicate(timeout=60)
        finally:
            if server.poll() is None:
                server.kill()
                server.communicate()
        # Its log names pids and times.
        mask = lambda text: re.sub(rb"\d+:[A-Z] \d+ \w+ \d+ [\d:.]+|pid=\d+", b"", text)
        return answers, mask(stdout), mask(stderr), server.returncode

    def test_redis(self):
        native = self.serve([], "native")
        traces = self.folder / "traces"
        traces.mkdir()
        recorded = self.serve(recorder(traces), "recorded")
        self.assertEqual(native, recorded)
        self.assertEqual(recorded[3], 0)
        (trace,) = traces.iterdir()
        (view,) = check_traces([trace])
        document = report(trace)
        self.assert_readers_agree(view, document)
        # Debian's redis-server is linked with jemalloc.
        self.assertIn("jemalloc", document["recording"]["allocator"])
        self.assertGreater(document["memory"]["total_allocations"], scaled(100_000, 1_500_000))
        self.assertEqual(document["memory"]["unknown_frees"], 0)
        self.assertEqual(document["memory"]["overwritten_blocks"], 0)
        self.assertEqual(document["process"]["end"], {"kind": "exited", "code": 0})


if __name__ == "__main__":
    main()
