#!/usr/bin/python3
"""Unmodified programs of the system: what a snapshot calls lost is lost.

Each program runs natively and under `tidemark run`: the outcome is the same, and each finding above 0.1% of the peak
that says that memory is unreachable is one of memcheck's, too: definitely or indirectly lost, allocated by the same
stack. Then it runs with many snapshots on the way: nothing that one of them calls unreachable is freed later.

Stacks are compared by module and address. Of an address the page offset is taken, as the two runs load modules at
different places; a few frames of it are as good as a name, and need no symbols. TIDEMARK_TEST_FULL=1: memcheck looks at
every program, else only at those with a finding.
"""

import os
import re
import shutil
import subprocess
import time
import unittest
from xml.etree import ElementTree

import inputs
from tidemark_testing import FULL, PROGRAMS, Outcome, TestCase, main, recorder, report, run

# At or below it a finding says itself that it may be wrong.
LOW_CONFIDENCE = 0.3
SMALL = 0.001  # of the peak
FRAMES = 6     # innermost ones that are compared
MEMCHECK = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect", "--num-callers=40",
            "--undef-value-errors=no", "--show-below-main=yes", "--trace-children=yes", "--xml=yes"]
LOST_KINDS = ("Leak_DefinitelyLost", "Leak_IndirectlyLost")
EXIT_REASONS = ("main-returned", "exit")

_PYTHON = """\
import json, threading
lines = [f"{number},name {number % 997},{number * 0.25},tag{number % 13}" for number in range(1000)]
totals, lock = {}, threading.Lock()
class Node:
    def __init__(self, name):
        self.name, self.peer = name, self
def work(serial):
    for _ in range(16):
        rows = [dict(zip(("id", "name", "price", "tag"), line.split(","))) for line in lines]
        items = json.loads(json.dumps(rows))
        ring = [Node(item["name"]) for item in items]
        for one, other in zip(ring, ring[1:] + ring[:1]):
            one.peer = other
        with lock:
            for item in items:
                key = serial, item["tag"]
                totals[key] = totals.get(key, 0) + float(item["price"])
threads = [threading.Thread(target=work, args=(serial,)) for serial in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(totals.items()))
"""

_CPP = """\
#include <string>
#include <vector>
std::vector<std::string> numbers(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(std::to_string(i));
  return all;
}
"""


def lost_findings(document):
    return [finding for finding in document["findings"]
            if finding["class"] == "true-leak" and finding["kind"].startswith("unreachable")]


def to_be_confirmed(document):
    """The findings that memcheck is to have as well."""
    least = SMALL * document["memory"]["peak_live_bytes"]
    found = [finding for finding in lost_findings(document)
             if finding["bytes"] > least and finding["confidence"] > LOW_CONFIDENCE]
    # The sum of small ones has no stack; it is none of them as long as they are small.
    smallest = min((one["bytes"] for one in lost_findings(document) if not one["folded_sites"]), default=0)
    return [finding for finding in found if not finding["folded_sites"] or smallest > least]


def is_allocator(module, document):
    recording = document["recording"]
    known = {os.path.realpath(path) for path in (recording["allocator"], recording["operator_new"]) if path}
    return module in known or os.path.basename(module).startswith("vgpreload_")


def key_of(frames, document):
    """Innermost first: (module, address) pairs without those in the allocator; inlined functions share an address."""
    key = []
    for module, address in frames:
        module = os.path.realpath(module) if module else ""
        if not key and is_allocator(module, document):
            continue
        one = (module, address & 0xfff)
        if not key or key[-1] != one:
            key.append(one)
    return key[:FRAMES]


def stack_key(finding, document):
    return key_of([(frame["module"], frame["offset"]) for frame in finding["stack"]], document)


def memcheck_losses(xml_files):
    """Frames, bytes and blocks of each loss."""
    losses = []
    for path in xml_files:
        for error in ElementTree.parse(path).getroot().iter("error"):
            if error.findtext("kind") not in LOST_KINDS:
                continue
            frames = [(frame.findtext("obj", ""), int(frame.findtext("ip"), 16)) for frame in error.find("stack")]
            what = error.find("xwhat")
            losses.append((frames, int(what.findtext("leakedbytes")), int(what.findtext("leakedblocks"))))
    return losses


def unconfirmed(document, losses):
    """The findings that memcheck does not have."""
    missing = []
    for finding in to_be_confirmed(document):
        key = stack_key(finding, document)
        known = {tuple(key_of(frames, document)) for frames, _, _ in losses}
        if not key or tuple(key) not in known:
            missing.append(finding)
    return missing


def told(finding):
    """A finding in a few words, for a failing test."""
    frames = [f"{frame['function'] or os.path.basename(frame['module'] or '?')}+{frame['offset']:#x}"
              for frame in finding["stack"][:12]]
    return f"{finding['kind']} {finding['blocks']} blocks {finding['bytes']} bytes " \
           f"confidence {finding['confidence']} resurrected {finding['resurrected_blocks']}: {' < '.join(frames)}"


def documents_in(folder):
    document = report(folder)
    return document.get("reports", [document])


class RealPrograms(TestCase):
    def check(self, name, start, *, period="50ms", least_snapshots=2):
        """`start(prefix, folder)` runs the program in a new folder behind a prefix of commands: what did it do?"""
        def started(what, prefix):
            folder = self.folder / f"{name}.{what}"
            folder.mkdir()
            return start(prefix, folder)

        def recorded(what, *options):
            traces = self.folder / f"{name}.{what}.traces"
            traces.mkdir()
            outcome = started(what, recorder(traces, options))
            self.assert_same_outcome(native, outcome)
            return documents_in(traces)

        native = started("native", [])
        self.assertEqual(native.status, 0, native.stderr)
        documents = recorded("exit")
        for document in documents:
            self.check_exit(document)
        losses = None
        if FULL or any(to_be_confirmed(document) for document in documents):
            self.assertTrue(shutil.which("valgrind"), "findings, and no valgrind to confirm them")
            xml = self.folder / f"{name}.xml"
            xml.mkdir()
            self.assertEqual(started("memcheck", [*MEMCHECK, f"--xml-file={xml}/%p.xml"]).status, 0)
            losses = memcheck_losses(xml.iterdir())
        missing = [finding for document in documents for finding in unconfirmed(document, losses or [])]
        on_the_way = [*recorded("every", "--snapshot", f"every={period}", "--snapshot", "exit"),
                      *recorded("growth", "--snapshot", "growth=1.05", "--snapshot", "exit")]
        self.print_row(name, documents, losses, on_the_way)
        self.assertEqual([told(finding) for finding in missing], [])
        self.check_on_the_way(on_the_way, least_snapshots)

    def check_exit(self, document):
        if "exec" in document["process"]["end"]:
            return
        exits = [one for one in document["snapshots"] if one["reason"] in EXIT_REASONS]
        self.assertEqual([one["complete"] for one in exits], [True],
                         (document["process"]["command"], document["snapshots_skipped"]))

    def check_on_the_way(self, documents, least_snapshots):
        taken = 0
        for document in documents:
            self.assertEqual([told(one) for one in document["findings"] if one["resurrected_blocks"] != 0], [])
            looked_at = [one for one in document["snapshots"] if one["unreachable_blocks"] is not None]
            between = [one for one in looked_at if one["reason"] not in EXIT_REASONS]
            taken += len(between)
            # What is lost stays lost, also where no finding is left to tell.
            last = looked_at[-1]["unreachable_blocks"] if looked_at else 0
            for one in between:
                self.assertLessEqual(one["unreachable_blocks"], last, (document["process"]["command"], looked_at))
        self.assertGreaterEqual(taken, least_snapshots)

    @staticmethod
    def print_row(name, documents, losses, on_the_way):
        peak = max(document["memory"]["peak_live_bytes"] for document in documents)
        lost = [finding for document in documents for finding in lost_findings(document)]
        between = [one for document in on_the_way for one in document["snapshots"] if one["reason"] not in EXIT_REASONS]
        memcheck = "not run" if losses is None else \
            f"{sum(size for _, size, _ in losses)} bytes in {sum(blocks for *_, blocks in losses)} blocks"
        print(f"\n  {name}: peak {peak}; unreachable {sum(one['bytes'] for one in lost)} bytes in "
              f"{sum(one['blocks'] for one in lost)} blocks; memcheck: {memcheck}; "
              f"{len(between)} snapshots on the way, "
              f"{sum(one['reason'] == 'growth' for one in between)} of them by growth, resurrected "
              f"{sum(one['resurrected_blocks'] for document in on_the_way for one in document['findings'])}",
              flush=True)

    def simple(self, command, **more):
        return lambda prefix, folder: run([*prefix, *command], cwd=folder, **more)

    def test_python3(self):
        script = self.folder / "script.py"
        script.write_text(_PYTHON)
        for allocator in ("pymalloc", "malloc"):
            with self.subTest(allocator):
                environment = {"PYTHONHASHSEED": "0", "PYTHONMALLOC": allocator}
                self.check(f"python3-{allocator}", self.simple(["/usr/bin/python3", script], env=environment))

    def test_sqlite3(self):
        script = inputs.sqlite_script(self.folder, rows=60_000)
        self.check("sqlite3", self.simple(["sqlite3", ":memory:", f".read {script}"]))

    def test_cc1plus(self):
        source = self.folder / "source.cpp"
        source.write_text(_CPP)
        preprocessed = source.with_suffix(".ii")
        subprocess.run(["g++", "-std=c++20", "-E", source, "-o", preprocessed], check=True)
        compiler = subprocess.run(["gcc", "-print-prog-name=cc1plus"], check=True, capture_output=True, text=True)
        self.check("cc1plus", self.simple([compiler.stdout.strip(), "-quiet", "-fpreprocessed", "-std=c++20", "-O1",
                                           preprocessed, "-o", "-"]))

    def test_git(self):
        repository = self.folder / "repository"
        repository.mkdir()
        when = "2024-01-02T03:04:05+0000"
        environment = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "C",
                       "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when,
                       "GIT_CONFIG_NOSYSTEM": "1", "HOME": self.folder, "GIT_PAGER": "cat"}
        make = "git init -q . && git fast-import --quiet && git reset -q --hard"
        made = run(["sh", "-c", make], cwd=repository, env=environment, stdin=history(100))
        self.assertEqual(made.status, 0, made.stderr)

        def in_a_copy(*arguments):
            def start(prefix, folder):
                copy = shutil.copytree(repository, folder / "copy")
                (copy / "new file").write_text("new")
                return run([*prefix, "git", *arguments], cwd=copy, env=environment)
            return start

        log = in_a_copy("log", "--stat", "-p", "--format=%H %an %s")
        self.check("git log", log, period="10ms", least_snapshots=1)
        self.check("git status", in_a_copy("status", "--untracked-files=all"), period="2ms", least_snapshots=1)
        self.check("git gc", in_a_copy("gc", "--prune=now"), period="2ms", least_snapshots=2)

    def test_redis(self):
        questions = redis_questions(10_000)

        def start(prefix, folder):
            socket = folder / "socket"
            server = subprocess.Popen([*prefix, "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
                                       "--appendonly", "no", "--dir", folder, "--loglevel", "warning"],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                deadline = time.monotonic() + 60
                while run(["redis-cli", "-s", socket, "ping"]).stdout.strip() != b"PONG":
                    self.assertIsNone(server.poll(), "the server ended")
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
                answers = run(["redis-cli", "-s", socket], stdin=questions).stdout
                run(["redis-cli", "-s", socket, "shutdown", "nosave"])
                stdout, stderr = server.communicate(timeout=60)
            finally:
                if server.poll() is None:
                    server.kill()
                    server.communicate()
            # Its log names pids and times.
            log = re.sub(rb"\d+:[A-Z] \d+ \w+ \d+ [\d:.]+|pid=\d+", b"", stdout)
            return Outcome(answers + log, stderr, server.returncode)

        self.check("redis-server", start)


class Matching(TestCase):
    """That a finding and a loss match is no accident: they do of one program, and do not of another."""

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    def test_leaks_match(self):
        losses, documents = {}, {}
        for shape in ("direct", "tree"):
            command = [PROGRAMS / "leaks_o0", shape, "leak"]
            traces = self.folder / shape
            traces.mkdir()
            run([*recorder(traces), *command])
            (documents[shape],) = documents_in(traces)
            xml = self.folder / f"{shape}.xml"
            run([*MEMCHECK, f"--xml-file={xml}", *command])
            losses[shape] = memcheck_losses([xml])
        for shape, document in documents.items():
            self.assertGreater(len(to_be_confirmed(document)), 0, shape)
            for other, found in losses.items():
                missing = unconfirmed(document, found)
                self.assertEqual(missing, [] if other == shape else to_be_confirmed(document), (shape, other))


def history(commits) -> bytes:
    """A stream for git fast-import."""
    parts = []
    for number in range(commits):
        message = f"change {number}"
        parts.append(f"commit refs/heads/master\ncommitter C <c@example.org> {1_700_000_000 + number} +0000\n"
                     f"data {len(message)}\n{message}\n")
        for name in (f"common{number % 17}", *(f"folder{number % 7}/file{number}.{each}" for each in range(20))):
            text = name + "\n".join(str(line) for line in range(number * 10, number * 10 + 100))
            parts.append(f"M 644 inline {name}\ndata {len(text)}\n{text}\n")
    return "".join(parts).encode()


def redis_questions(count) -> bytes:
    lines = ["config set maxmemory 100mb", "config get maxmemory"]
    for number in range(count):
        key = number * 7919 % 1000
        lines.append((f"set name:{key} value-{number}", f"append name:{key} -more",
                      f"lpush list:{key % 50} item-{number}", f"hset hash:{key % 50} field-{key} {number}",
                      f"sadd set:{key % 50} member-{key}", f"zadd sorted:{key % 20} {number} member-{key}",
                      f"del name:{key}", f"lrange list:{key % 50} 0 9", f"expire hash:{key % 50} 1000",
                      f"get name:{key}")[number % 10])
    lines += ["eval \"return redis.call('lrange', KEYS[1], 0, -1)\" 1 list:3", "multi", "incr counter", "get counter",
              "exec", "sort list:2 alpha limit 0 5", "flushdb", "dbsize"]
    return "".join(line + "\n" for line in lines).encode()


if __name__ == "__main__":
    main()
