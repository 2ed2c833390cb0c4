#!/usr/bin/python3
"""Verdicts on the labelled programs of tests/verdicts: 95% right in each set, and no leak where there is none."""

import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "verdicts"))
import labelled  # noqa: E402
from tidemark_testing import main  # noqa: E402

FEWEST_PERCENT = 95


class Verdicts(unittest.TestCase):
    def check_set(self, set_name):
        verdicts = labelled.judge_all(labelled.read_labels(set_name))
        missed = "\n".join(map(labelled.describe, labelled.misses(verdicts)))
        self.assertEqual(labelled.false_leaks(verdicts), [], missed)
        self.assertGreaterEqual(labelled.percent_right(verdicts), FEWEST_PERCENT, missed)

    def test_the_set_that_constants_are_chosen_on(self):
        self.check_set("calibration")

    def test_the_set_that_says_what_they_are_worth(self):
        self.check_set("test")

    def test_the_second_set_that_says_what_they_are_worth(self):
        self.check_set("second_test")

    def test_the_third_set_that_says_what_they_are_worth(self):
        self.check_set("third_test")

    def test_every_program_has_a_label(self):
        for set_name in labelled.SETS:
            listed = re.findall(r"([a-z0-9_]+)\.c(?:pp)?\b", (labelled.FOLDER / set_name / "programs.cmake").read_text())
            self.assertEqual(sorted(listed), sorted(label.name for label in labelled.read_labels(set_name)))


if __name__ == "__main__":
    main()
