#!/usr/bin/python3
"""The cases of demos/interpreter: each gets its verdict, what the interpreter counts itself is in its report to the block,
and the costs that the documents name come out of the marks.

Each case is recorded once, and has one test for its figures and one for its verdict.
"""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tidemark_testing import BUILD, TestCase, main, record, run

# What the process holds besides what the interpreter counts: the C++ runtime's emergency pool, standard output's
# buffer, the texts of programs.
OTHER_BYTES, OTHER_BLOCKS = 128 << 10, 6

KB = 1024

PROGRAM = """
use text
use sys
use dicts
use lists
let data = [1, 2, 3]
let biglist = []
for i in range(1000)
    append(biglist, i * 2)   # a comment
end
println(getsizeof(biglist))
defi factorial_of(n) =>
    if n < 2
        1
    else
        n * factorial_of(n - 1)
    end
end
println(factorial_of(10))
defi make_counter(start) =>
    let count = start
    defi step(by) =>
        change count to count + by
        count
    end
    step
end
let one = make_counter(5)
let other = make_counter(50)
one(1)
println(str(one(2)) + " " + str(other(1)))
println(upper("abc") + lower("DEF") + str(1 / 4))
let record = {"name": "Alice", "ages": [30, 31]}
put(record, "self_ref", record)
println(record["ages"][1] + len(record))
remove_key(record, "name")
println(has_key(record, "name"))
remove_key(record, "self_ref")
println(sort([3, 1, 2, -4 % 3]))
println(not (1 == 2) and 3 >= 3 or False)
println(map(data, factorial_of))
change data to None
println(data)
println(kind_of(help(upper)))
"""
PRINTS = ["8856", "3628800", "8 51", "ABCdef0.25", "34", "False", "[-1, 1, 2, 3]", "True", "[1, 2, 6]", "None", "list", ""]
ERRORS = {
    "let a = 1\nlet b = (2 + 3": "line 2: ')' was expected at the end",
    "change nothing to 1": "line 1: 'nothing' is not there to be changed: let it be first",
    "\n\n1 / 0": "line 3: division by zero",
    "defi f(n) => f(n + 1)\nf(0)": "recursion limit of 1000 reached",
    "let s = \"open": "line 1: the string does not end",
    "use nowhere": "there is no library 'nowhere'",
}


@dataclass(frozen=True)
class Case:
    arguments: str
    classes: str  # any of these classes and kinds
    kinds: str

    @property
    def name(self):
        return re.sub(r"\W+", "_", self.arguments)


RETAINED, NO_GROWTH, TRUE_LEAK = "retained-by-design", "no-growth", "true-leak"

CASES = [
    Case("startup", RETAINED, "startup"),
    Case("items", RETAINED, "startup"),
    Case("scopes", NO_GROWTH, "churn flat"),
    Case("reassign", NO_GROWTH, "released"),
    Case("repl", f"{TRUE_LEAK} undecided", "unbounded-retention None"),
    Case("repl --reset", NO_GROWTH, "released"),
    Case("closures_in_loop", NO_GROWTH, "churn flat"),
    Case("closures_in_loop --stored", RETAINED, "working-set"),
    Case("self_reference", TRUE_LEAK, "unreachable-cycle"),
    Case("self_reference --collect", NO_GROWTH, "released churn flat"),
    Case("recursion", NO_GROWTH, "churn flat released"),
    Case("interning", RETAINED, "bounded-cache"),
    Case("destroy", NO_GROWTH, "released"),
    Case("strategies caching", RETAINED, "working-set bounded-cache"),
    Case("strategies streaming", NO_GROWTH, "churn flat"),
    Case("strategies lazy", RETAINED, "working-set"),
    Case("strategies eager", RETAINED, "working-set"),
    Case("strategies", f"{NO_GROWTH} {RETAINED}", "released episodic"),
]


class Run:
    """A recorded case: its report, and what it printed of itself."""

    def __init__(self, case, folder):
        recording = record([BUILD / "bin/demos/interpreter", *case.arguments.split()], folder / case.name)
        assert (recording.status, recording.stderr) == (0, b""), recording.stderr.decode()
        self.output = recording.stdout.decode()
        self.report = recording.report()
        shutil.rmtree(folder / case.name)
        # In the order in which they were made: strategies has some names four times.
        self.tallies = [(what, int(blocks), int(size)) for what, blocks, size in
                        re.findall(r"^(.*): blocks=(\d+) bytes=(\d+)$", self.output, re.MULTILINE)]
        self.marks = self.report["marks"]

    def mark(self, name):
        (mark,) = [mark for mark in self.marks if mark["name"] == name]
        return mark

    def live(self, name):
        return self.mark(name)["live_bytes"]

    def tally(self, name):
        (tally,) = [(blocks, size) for what, blocks, size in self.tallies if what == name]
        return tally


class Interpreter(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.recordings = Path(tempfile.mkdtemp(prefix="tidemark_test."))
        cls.addClassCleanup(shutil.rmtree, cls.recordings, ignore_errors=True)
        cls.runs = {}

    def run_of(self, arguments):
        (case,) = [case for case in CASES if case.arguments == arguments]
        if arguments not in self.runs:
            self.runs[arguments] = Run(case, self.recordings)
        return self.runs[arguments]

    def check_marks(self, run):
        """At each mark the process has what the interpreter counts, and little besides."""
        tallies = [tally for tally in run.tallies if tally[0] != "lost"]
        self.assertEqual([tally[0] for tally in tallies], [mark["name"] for mark in run.marks])
        for (_, blocks, size), mark in zip(tallies, run.marks):
            self.assertIn(mark["live_blocks"] - blocks, range(OTHER_BLOCKS + 1), mark)
            self.assertIn(mark["live_bytes"] - size, range(OTHER_BYTES + 1), mark)

    def check_verdict(self, run, case):
        verdict = run.report["verdict"]
        self.assertIn(verdict["class"], case.classes.split(), verdict)
        self.assertIn(str(verdict["kind"]), case.kinds.split(), verdict)

    def assert_close(self, found, expected, share):
        self.assertLessEqual(abs(found - expected), expected * share, f"{found}, and not {expected}")

    def cost(self, run, before, after, count):
        return (run.live(after) - run.live(before)) / count

    # The language.

    def run_program(self, program):
        path = self.folder / "program.tombo"
        path.write_text(program)
        return run([BUILD / "bin/demos/interpreter", "run", path])

    def test_the_language(self):
        outcome = self.run_program(PROGRAM)
        self.assertEqual((outcome.stderr, outcome.status), (b"", 0))
        self.assertEqual(outcome.stdout.decode().split("\n"), PRINTS)

    def test_errors_name_their_line(self):
        for program, message in ERRORS.items():
            outcome = self.run_program(program)
            self.assertEqual((outcome.stderr.decode().strip(), outcome.status), (message, 1))

    # The documents' figures.

    def test_library_functions_cost_what_the_documents_say(self):
        run = self.run_of("startup")
        self.assertIn("308 functions in 35 libraries", run.output)
        self.assert_close(self.cost(run, "builtins registered", "library loaded", 308), 19.30 * KB, 0.01)
        self.assert_close(run.tally("library loaded")[1], 5.9 * KB * KB, 0.02)
        # Nothing but the library stays.
        self.assert_close(run.live("statements run"), run.live("library loaded"), 0.02)

    def test_items_cost_what_the_documents_say(self):
        run = self.run_of("items")
        self.assertEqual(self.cost(run, "before the list", "after the list", 1), 8856)
        self.assert_close(self.cost(run, "before the functions", "after the functions", 100), 2.18 * KB, 0.01)
        self.assert_close(self.cost(run, "before the strings", "the strings with their temporaries", 100), 2.96 * KB, 0.01)
        self.assertLess(self.cost(run, "before the strings", "after the strings", 100), 0.5 * KB)
        self.assert_close(self.cost(run, "before the bindings", "after the bindings", 1000), 0.1 * KB, 0.15)

    # What the cases are about.

    def test_scopes_and_loops_leave_nothing(self):
        for arguments in "scopes", "closures_in_loop", "recursion":
            case = self.run_of(arguments)
            tallies = {(blocks, size) for what, blocks, size in case.tallies if what.startswith("after round")}
            self.assertEqual(len(tallies), 1, arguments)

    def test_reassigning_frees(self):
        run = self.run_of("reassign")
        self.assertGreater(run.live("data made"), 40 * (run.live("processed changed to None") - OTHER_BYTES))
        self.assertLess(run.live("statements run"), 1 << 20)

    def test_reset_leaves_what_the_library_takes(self):
        run = self.run_of("repl --reset")
        self.assertEqual(run.tally("reset"), self.run_of("startup").tally("library loaded"))
        self.assertGreater(run.live("input 64"), 3 * run.live("reset"))

    def test_a_session_grows_by_as_much_at_each_input(self):
        run = self.run_of("repl")
        live = [run.live(f"input {number}") for number in range(16, 97, 8)]
        steps = [after - before for before, after in zip(live, live[1:])]
        self.assertLess(max(steps), 1.1 * min(steps))

    def test_self_reference_is_lost_in_cycles(self):
        run = self.run_of("self_reference")
        self.assertEqual(run.tally("lost"), (480_000, 40_494_000))
        lost = [finding for finding in run.report["findings"] if finding["kind"] == "unreachable-cycle"]
        self.assert_close(sum(finding["blocks"] for finding in lost), 480_000, 0.01)
        self.assert_close(sum(finding["bytes"] for finding in lost), 40_494_000, 0.01)
        self.assertIn("tombo::Dict", [member["type"] for member in lost[0]["cycle"]])

    def test_the_collector_finds_all_cycles(self):
        run = self.run_of("self_reference --collect")
        self.assertIn("garbage collection: 180000 objects of 180000, 100%", run.output)
        self.assertEqual(run.tally("lost"), (0, 0))

    def test_recursion_ends_in_an_error_and_takes_stack(self):
        run = self.run_of("recursion")
        self.assertIn("error: recursion limit of 1000 reached", run.output)
        stack = int(re.search(r"stack of (\d+) bytes", run.output)[1])
        self.assertGreater(stack, 1_000_000)
        rows = [row for row in run.report["memory"]["ledger"] if "stack" in row["name"]]
        self.assertGreater(sum(row["bytes"] for row in rows), 0.9 * stack)

    def test_interning_keeps_the_latest(self):
        run = self.run_of("interning")
        self.assertIn("60000 short strings kept of 480000", run.output)
        tallies = {(blocks, size) for what, blocks, size in run.tallies if what.startswith("round")}
        self.assertEqual(len(tallies), 1)

    def test_destroying_frees_all(self):
        run = self.run_of("destroy")
        self.assertEqual(run.tally("interpreter destroyed"), (0, 0))
        self.assertLess(run.report["memory"]["live_bytes_at_end"], OTHER_BYTES)

    def test_strategies_trade_memory_for_time(self):
        run = self.run_of("strategies")
        row = r"^(\w+) +peak +([\d.]+) MB +live +([\d.]+) MB +first round +[\d.]+ ms +later +([\d.]+) ms"
        rows = {name: (float(peak), float(live), float(time)) for name, peak, live, time in
                re.findall(row, run.output, re.MULTILINE)}
        self.assertEqual(list(rows), ["caching", "streaming", "lazy", "eager"])
        for high in "caching", "eager":
            for low in "streaming", "lazy":
                self.assertGreater(rows[high][0], 5 * rows[low][0])
            self.assertLess(rows[high][2], rows["streaming"][2] / 4)
        self.assertEqual(rows["streaming"][1], 0)


def add_tests():
    for case in CASES:
        def marks(self, case=case):
            self.check_marks(self.run_of(case.arguments))

        def verdict(self, case=case):
            self.check_verdict(self.run_of(case.arguments), case)

        setattr(Interpreter, f"test_marks_of_{case.name}", marks)
        setattr(Interpreter, f"test_verdict_of_{case.name}", verdict)


add_tests()

if __name__ == "__main__":
    main()
