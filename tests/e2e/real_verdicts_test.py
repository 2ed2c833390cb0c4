#!/usr/bin/python3
"""Verdicts on unmodified programs of the system: what is known to grow, known to be held, and known to be healthy.

 - python3 that holds, releases or leaks strings, and takes everything down at its end, which is no excuse;
 - redis-server below and at a cap of its memory: the same server, fed in the same way, leaks or caches;
 - sqlite3, git, jq, xmllint and cc1plus at ordinary work: no alarm;
 - leaks planted in healthy programs (bench/injected), and what plants them (tests/tools/drop_frees.c).

Each verdict is printed with what was expected. TIDEMARK_TEST_FULL=1: the scale of the acceptance run.
"""

import json
import os
import socket
import subprocess
import sys
import time

import inputs
from real_leaks_test import documents_in, history
from tidemark_testing import BUILD, FULL, PROGRAMS, PROJECT, TestCase, main, record, recorder, run, scaled

DROP_FREES = PROGRAMS / "libdrop_frees.so"
INJECTED = PROJECT / "bench/injected"
PYTHON = "/usr/bin/python3"
PYTHON_ENVIRONMENT = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

DECIDING = 0.5       # the confidence of a finding that decides a verdict
# Below both a loss decides nothing: git prune, with a peak of 0.5 MB, loses one block of 7.8 KB.
LEAST_SHARE = 0.01   # of the peak
LEAST_BYTES = 64 * 1024
MEGABYTE = 2**20

UNBOUNDED = ("true-leak", "unbounded-retention")
WORKING_SET = ("retained-by-design", "working-set")
BOUNDED_CACHE = ("retained-by-design", "bounded-cache")
RELEASED = ("no-growth", "released")
# After a release the allocator may sit on the pages, and then that is what explains the resident set.
PAGES_KEPT = (("allocator-caching", "free-pages"), ("allocator-caching", "fragmentation"))


def told(finding) -> str:
    frames = [frame["function"] or f"{os.path.basename(frame['module'] or '?')}+{frame['offset'] or 0:#x}"
              for frame in finding["stack"][:8]]
    return (f"{finding['class']} / {finding['kind']} {finding['bytes']} bytes in {finding['blocks']} blocks, "
            f"confidence {finding['confidence']}: {' < '.join(frames)}; {'; '.join(finding['evidence'])}")


def alarms(document) -> list[str]:
    """The findings that would call somebody."""
    least = max(LEAST_SHARE * document["memory"]["peak_live_bytes"], LEAST_BYTES)
    return [told(finding) for finding in document["findings"]
            if finding["class"] == "true-leak" and finding["confidence"] >= DECIDING and finding["bytes"] >= least]


def leading_leak(document):
    return max((finding for finding in document["findings"] if finding["class"] == "true-leak"),
               key=lambda finding: finding["bytes"])


def names_in(finding) -> str:
    """Everything that a finding says about where its memory came from and who has it."""
    held = finding["held_by"]
    return " ".join([*(frame["function"] or "" for frame in finding["stack"]), held["symbol"] or "",
                     *(step["type"] or "" for step in held["path"])])


def live_at(document, fraction) -> int:
    """Live bytes when that part of the run was over."""
    timeline = document["timeline"]
    until = fraction * timeline[-1]["time_s"]
    return [point["live_bytes"] for point in timeline if point["time_s"] <= until][-1]


class VerdictCase(TestCase):
    def assert_verdict(self, what, document, *expected):
        verdict = document["verdict"]
        found = verdict["class"], verdict["kind"]
        print(f"\n  {what}: {found[0]} / {found[1]} {verdict['confidence']:.2f}"
              f" (expected: {' or '.join(' / '.join(pair) for pair in expected)}): {verdict['headline']}", flush=True)
        self.assertIn(found, expected, (verdict, [told(finding) for finding in document["findings"][:4]]))

    def assert_healthy(self, what, documents):
        found = [(document["process"]["command"], alarm) for document in documents for alarm in alarms(document)]
        said = {document["verdict"]["class"] for document in documents}
        print(f"\n  {what}: {len(documents)} processes: {', '.join(sorted(said))}; {len(found)} alarms", flush=True)
        self.assertEqual(found, [])
        self.assertNotIn("true-leak", said)


class Python(VerdictCase):
    STRINGS = scaled(250_000, 1_000_000)
    ROUNDS = scaled(80, 400)
    STRING_BYTES = 50  # at least, of each string that is kept

    def keep(self, name):
        script = inputs.keeping_script(self.folder, name)
        recording = self.record_and_compare([PYTHON, script, self.STRINGS, self.ROUNDS], env=PYTHON_ENVIRONMENT)
        self.assertEqual(recording.status, 0, recording.stderr)
        document = recording.report()
        self.assertGreater(document["memory"]["peak_live_bytes"], self.STRINGS * self.STRING_BYTES)
        # All of it is gone when main returns.
        self.assertLess(document["memory"]["live_bytes_at_end"], document["memory"]["peak_live_bytes"] / 10)
        return document

    def test_hold(self):
        document = self.keep("hold")
        self.assertGreater(live_at(document, 0.8), self.STRINGS * self.STRING_BYTES)
        self.assert_verdict("python3 that holds", document, WORKING_SET)
        self.assertEqual(alarms(document), [])

    def test_release(self):
        document = self.keep("release")
        self.assertLess(live_at(document, 0.8), document["memory"]["peak_live_bytes"] / 3)
        self.assert_verdict("python3 that releases", document, RELEASED, *PAGES_KEPT)
        self.assertEqual(alarms(document), [])

    def test_leak(self):
        document = self.keep("leak")
        self.assertLess(live_at(document, 0.5), live_at(document, 0.85))
        self.assert_verdict("python3 that leaks", document, UNBOUNDED)
        # The strings themselves, not the list that has them.
        self.assertGreater(leading_leak(document)["blocks"], self.STRINGS / 2)


class Redis:
    """A redis-server behind a prefix of commands, fed over its socket."""

    def __init__(self, prefix, folder, *options):
        self.path = str(folder / "socket")
        command = [*prefix, "redis-server", "--port", "0", "--unixsocket", self.path, "--save", "",
                   "--appendonly", "no", "--dir", folder, "--loglevel", "warning", *options]
        self.server = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.socket.connect(self.path)
                break
            except OSError:
                if self.server.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.02)
        self.answers = self.socket.makefile("rb")

    def send(self, commands):
        self.socket.sendall(b"".join(
            b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in command)
            for command in commands))

    def set_all(self, pairs) -> int:
        """How many were taken."""
        self.send([(b"SET", key, value) for key, value in pairs])
        return sum(self.answers.readline() == b"+OK\r\n" for _ in pairs)

    def info(self, name: bytes) -> int:
        self.send([(b"INFO",)])
        text = self.answers.read(int(self.answers.readline()[1:]) + 2)
        return int(next(line.split(b":")[1] for line in text.splitlines() if line.startswith(name + b":")))

    def kept_and_evicted(self) -> tuple[int, int]:
        """Keys. A question may itself make the server evict some, so until two answers agree."""
        evicted = None
        while evicted != (again := self.info(b"evicted_keys")):
            evicted = again
            self.send([(b"DBSIZE",)])
            keys = int(self.answers.readline()[1:])
        return keys, evicted

    def shutdown(self) -> int:
        self.send([(b"SHUTDOWN", b"NOSAVE")])
        return self.server.wait(timeout=120)

    def stop(self):
        self.socket.close()
        if self.server.poll() is None:
            self.server.kill()
            self.server.wait()


class RedisServer(VerdictCase):
    """Ever new keys at an even pace: without a cap they pile up, with one the oldest make room."""

    ROUNDS = scaled(60, 120)
    KEYS = scaled(1_000, 5_000)  # of a round
    VALUE = 600                  # bytes
    PAUSE = 0.05                 # seconds between the rounds
    CAP = scaled(8, 20) * MEGABYTE  # reached in the first fifth of the rounds
    HOLDERS = ("dbadd", "dictadd", "dictentry")

    def feed(self, *options):
        """The report; how many keys the server had at its end, and how many it had thrown out."""
        traces = self.folder / "traces"
        traces.mkdir()
        redis = Redis(recorder(traces), self.folder, *options)
        self.addCleanup(redis.stop)
        for number in range(self.ROUNDS):
            taken = redis.set_all([(b"key:%d:%d" % (number, i), b"%0*d" % (self.VALUE, i)) for i in range(self.KEYS)])
            self.assertEqual(taken, self.KEYS)
            time.sleep(self.PAUSE)
        keys, evicted = redis.kept_and_evicted()
        self.assertEqual(redis.shutdown(), 0)
        (document,) = documents_in(traces)
        return document, keys, evicted

    def test_without_a_cap(self):
        document, keys, evicted = self.feed()
        self.assertEqual((keys, evicted), (self.ROUNDS * self.KEYS, 0))
        self.assertGreater(document["memory"]["live_bytes_at_end"], keys * self.VALUE)
        self.assert_verdict("redis-server without a cap", document, UNBOUNDED)
        names = " ".join(names_in(finding).lower() for finding in document["findings"]
                         if finding["class"] == "true-leak")
        self.assertTrue(any(name in names for name in self.HOLDERS), names)

    def test_with_a_cap(self):
        document, keys, evicted = self.feed("--maxmemory", str(self.CAP), "--maxmemory-policy", "allkeys-lru")
        self.assertEqual(keys + evicted, self.ROUNDS * self.KEYS)
        self.assertGreater(evicted, keys)
        self.assertLess(document["memory"]["peak_live_bytes"], self.CAP * 2)
        self.assert_verdict("redis-server with a cap", document, BOUNDED_CACHE)
        self.assertEqual(alarms(document), [])


class Healthy(VerdictCase):
    """Ordinary work: some of it keeps memory to its end, and none of that is an alarm."""

    def check(self, what, command, **more):
        native = run(command, **more)
        self.assertEqual(native.status, 0, native.stderr)
        recording = record(command, self.folder / f"{what.replace(' ', '_')}.traces", **more)
        self.assert_same_outcome(native, recording)
        self.assert_healthy(what, documents_in(recording.folder))

    def test_python3(self):
        script = inputs.python_script(self.folder, rounds=scaled(40, 350))
        for allocator in ("malloc", "pymalloc"):
            self.check(f"python3 {allocator}", [PYTHON, script], env={**PYTHON_ENVIRONMENT, "PYTHONMALLOC": allocator})

    def test_sqlite3(self):
        script = inputs.sqlite_script(self.folder, rows=scaled(100_000, 1_000_000))
        self.check("sqlite3", ["sqlite3", ":memory:", f".read {script}"])

    def test_jq(self):
        items = inputs.json_items(self.folder, count=scaled(10_000, 120_000))
        query = "group_by(.name) | map({name: .[0].name, total: (map(.prices | add) | add)})"
        self.check("jq", ["jq", "-c", query, items])

    def test_xmllint(self):
        document = inputs.xml_document(self.folder, rows=scaled(20_000, 200_000))
        self.check("xmllint", ["xmllint", "--format", "--noblanks", document])

    def test_cc1plus(self):
        source = inputs.preprocessed_templates(self.folder, types=scaled(1, 4))
        compiler = run(["gcc", "-print-prog-name=cc1plus"]).stdout.decode().strip()
        self.check("cc1plus", [compiler, "-quiet", "-fpreprocessed", "-std=c++20", "-O1", source, "-o", "/dev/null"])

    def test_git(self):
        repository = self.folder / "repository"
        repository.mkdir()
        when = "2024-01-02T03:04:05+0000"
        environment = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "C",
                       "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when,
                       "GIT_CONFIG_NOSYSTEM": "1", "HOME": self.folder, "GIT_PAGER": "cat"}
        made = run(["sh", "-c", "git init -q . && git fast-import --quiet && git reset -q --hard"], cwd=repository,
                   env=environment, stdin=history(scaled(100, 1000)))
        self.assertEqual(made.status, 0, made.stderr)
        (repository / "new file").write_text("new")
        for arguments in (["log", "--stat", "-p", "--format=%H %an %s"], ["status", "--untracked-files=all"],
                          ["gc", "--quiet", "--prune=now"]):
            self.check(f"git {arguments[0]}", ["git", *arguments], cwd=repository, env=environment)


class Planted(VerdictCase):
    """drop_frees: the program does the same, and the recorder sees all but the frees of one site."""

    def outcomes(self, command, **variables):
        """Natively, surveyed, and with the busiest site's frees dropped; the survey, and what was dropped."""
        native = run(command, env=variables)
        survey = self.folder / "survey"
        surveyed = run(command, env={**variables, "LD_PRELOAD": DROP_FREES, "DROP_FREES_OUTPUT": survey})
        whole = json.loads(survey.read_text())
        busiest = max(whole["sites"], key=lambda site: site["freed_bytes"])
        recording = record(command, self.folder / "traces",
                           env={**variables, "LD_PRELOAD": DROP_FREES, "DROP_FREES_SITE": busiest["key"],
                                "DROP_FREES_OUTPUT": self.folder / "dropped.%p"})
        document = recording.report()
        dropped = json.loads((self.folder / f"dropped.{document['process']['pid']}").read_text())
        for other in (surveyed, recording):
            self.assert_same_outcome(native, other)
        return busiest, dropped, document

    def check(self, command, **variables):
        healthy = record(command, self.folder / "healthy", env=variables).report()
        busiest, dropped, document = self.outcomes(command, **variables)
        self.assertGreater(busiest["freed_bytes"], 100_000)
        self.assertEqual((dropped["dropped_blocks"], dropped["dropped_bytes"]),
                         (busiest["frees"], busiest["freed_bytes"]))
        before, after = healthy["memory"], document["memory"]
        self.assert_near(after["total_allocations"], before["total_allocations"], what="allocations")
        self.assert_near(before["total_frees"] - after["total_frees"], busiest["frees"], what="frees that are missing")
        self.assert_near(after["live_bytes_at_end"] - before["live_bytes_at_end"], busiest["freed_bytes"],
                         slack=4096, what="bytes that are left")

    def test_sqlite3(self):
        self.check(["sqlite3", ":memory:", f".read {inputs.sqlite_script(self.folder, rows=20_000)}"])

    def test_xmllint(self):
        self.check(["xmllint", "--format", inputs.xml_document(self.folder, rows=5_000)])

    def test_operators_of_cpp(self):
        """Frees by operator delete."""
        source = self.folder / "strings.cpp"
        source.write_text("#include <cstdio>\n#include <string>\n#include <vector>\n"
                          "int main() {\n  size_t total = 0;\n  for (int round = 0; round < 40; ++round) {\n"
                          "    std::vector<std::string> all;\n    for (int i = 0; i < 500; ++i) "
                          "all.emplace_back(100 + i % 7, 'x');\n    total += all.back().size();\n  }\n"
                          '  std::printf("%zu\\n", total);\n}\n')
        program = self.folder / "strings"
        subprocess.run(["g++", "-O1", source, "-o", program], check=True)
        self.check([program])

    def test_bench(self):
        """The frees of sites of three programs are dropped, one site at a time, and each leak is found."""
        command = [sys.executable, INJECTED, *([] if FULL else ["--quick"]), "--build", BUILD]
        result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=1200)
        print("\n" + result.stdout, flush=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    main()
