"""The labelled programs of this folder and what Tidemark says of them; for bench/verdicts and tests/e2e.

A label says which classes and kinds are right for the verdict on the process, usually one of each. A program whose
label is no true leak and whose verdict is one counts as a false leak, which is worse than any other miss.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "e2e"))
import tidemark_testing as testing  # noqa: E402

SETS = ("calibration", "test", "second_test", "third_test")  # folders here
LEAK = "true-leak"
KINDS = {LEAK: ("unreachable", "unreachable-cycle", "unbounded-retention"),
         "retained-by-design": ("working-set", "bounded-cache", "startup", "episodic"),
         "allocator-caching": ("free-pages", "fragmentation"),
         "no-growth": ("released", "churn", "flat")}
CLASSES = (*KINDS, "undecided")
FAILED = "failed"  # in place of a class: the run or its report


@dataclass(frozen=True)
class Label:
    set_name: str
    name: str
    arguments: tuple[str, ...]
    classes: tuple[str, ...]
    kinds: tuple[str, ...]
    why: str

    @property
    def program(self) -> Path:
        return testing.BUILD / "bin/verdicts" / self.set_name / self.name

    @property
    def expected(self) -> str:
        return f"{' or '.join(self.classes)}: {' or '.join(self.kinds)}"


@dataclass(frozen=True)
class Verdict:
    label: Label
    class_: str
    kind: str | None = None
    confidence: float = 0
    headline: str = ""

    @property
    def class_right(self) -> bool:
        return self.class_ in self.label.classes

    @property
    def right(self) -> bool:
        return self.class_right and self.kind in self.label.kinds

    @property
    def false_leak(self) -> bool:
        return self.class_ == LEAK and LEAK not in self.label.classes

    @property
    def got(self) -> str:
        return f"{self.class_}: {self.kind}" if self.kind else self.class_


def read_labels(set_name: str) -> list[Label]:
    labels = [Label(set_name, one["name"], tuple(one["arguments"]), tuple(one["class"]), tuple(one["kind"]), one["why"])
              for one in json.loads((FOLDER / set_name / "labels.json").read_text())]
    for label in labels:
        known = [kind for class_ in label.classes for kind in KINDS[class_]]
        if not label.kinds or not set(label.kinds) <= set(known):
            raise ValueError(f"{set_name}/labels.json: {label.name}: no such kind: {label.expected}")
    names = [label.name for label in labels]
    if len(set(names)) != len(names):
        raise ValueError(f"{set_name}/labels.json: a program has two labels")
    return labels


def judge(label: Label, arguments=()) -> Verdict:
    """Records the program once and asks for the verdict. `arguments`: more of them, behind the label's own."""
    with tempfile.TemporaryDirectory(prefix="tidemark_verdicts.") as folder:
        try:
            recording = testing.record([label.program, *label.arguments, *arguments], folder, timeout=120)
            if recording.status != 0:
                return Verdict(label, FAILED, headline=f"status {recording.status}: {recording.stderr.decode()[:200]}")
            found = recording.report()["verdict"]
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            return Verdict(label, FAILED, headline=str(error)[:200])
    return Verdict(label, found["class"], found["kind"], found["confidence"], found["headline"])


def judge_all(labels: list[Label], *, jobs=2, repeat=1, arguments=()) -> list[Verdict]:
    """In the order of the labels, each `repeat` times."""
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda label: judge(label, arguments), [one for one in labels for _ in range(repeat)]))


def percent_right(verdicts: list[Verdict]) -> float:
    return 100 * sum(one.right for one in verdicts) / len(verdicts)


def false_leaks(verdicts: list[Verdict]) -> list[Verdict]:
    return [one for one in verdicts if one.false_leak]


def misses(verdicts: list[Verdict]) -> list[Verdict]:
    return [one for one in verdicts if not one.right]


def describe(verdict: Verdict) -> str:
    return (f"{verdict.label.name}: {verdict.label.expected} expected, {verdict.got} ({verdict.confidence:.2f}) found: "
            f"{verdict.headline}")


def class_matrix(verdicts: list[Verdict]) -> Counter:
    """How often (expected, found); of several right classes the one that was found, else the first."""
    return Counter((one.class_ if one.class_right else one.label.classes[0], one.class_) for one in verdicts)


def kind_matrix(verdicts: list[Verdict]) -> Counter:
    """The same of kinds, where the class was right."""
    return Counter((one.kind if one.right else one.label.kinds[0], one.kind) for one in verdicts if one.class_right)
