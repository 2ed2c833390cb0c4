#!/usr/bin/env python3
"""`tidemark report` as users call it: exit statuses, messages, and every JSON report against its schema.

    report_command_test.py TIDEMARK WRITE_SAMPLE_TRACES WRITE_FILLED_REPORT SCHEMA
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import jsonschema

TIDEMARK, WRITER, FILLED, SCHEMA = sys.argv[1:5]


def run(*arguments):
    return subprocess.run([TIDEMARK, *arguments], capture_output=True, text=True, check=False)


def validate(document):
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    # Not through oneOf: its errors name both alternatives.
    name = "report" if document["schema"] == "tidemark.report/1" else "report_tree"
    jsonschema.Draft202012Validator({**schema, "oneOf": [{"$ref": "#/$defs/" + name}]}).validate(document)
    jsonschema.Draft202012Validator(schema).validate(document)


def unfilled(schema, node, values, where):
    """Members that the schema has below `node` and that none of `values` gives a value other than null, "", [] or 0."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    if "items" in node:
        items = [item for value in values for item in value]
        return unfilled(schema, node["items"], items, where + "[]") if items else [where]
    missing = []
    for name, below in node.get("properties", {}).items():
        held = [value[name] for value in values if value.get(name) not in (None, "", [], 0, False)]
        # A holder's children end somewhere.
        missing += unfilled(schema, below, held, f"{where}.{name}") if held and name != "children" else []
        if not held:
            missing.append(f"{where}.{name}")
    return missing


class ReportCommand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = cls.temporary.name
        subprocess.run([WRITER, cls.folder], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def path(self, name):
        return os.path.join(self.folder, name)

    def json_of(self, *arguments, status=0):
        result = run("report", "--format", "json", *arguments)
        self.assertEqual(result.returncode, status, result.stderr)
        document = json.loads(result.stdout)
        validate(document)
        return document

    def test_every_sample_fits_the_schema(self):
        for name in ("whole", "child", "killed", "replaced", "empty"):
            with self.subTest(name):
                self.assertEqual(self.json_of(self.path(name))["schema"], "tidemark.report/1")

    def test_the_schema_describes_everything(self):
        report = self.json_of(self.path("whole"))
        report["memory"]["surprise"] = 1
        with self.assertRaises(jsonschema.ValidationError):
            validate(report)

    def test_a_filled_report_fits_the_schema(self):
        report = json.loads(subprocess.run([FILLED], capture_output=True, check=True).stdout)
        validate(report)
        validate(json.loads(subprocess.run([FILLED, "tree"], capture_output=True, check=True).stdout))
        with open(SCHEMA, encoding="utf-8") as file:
            schema = json.load(file)
        properties = schema["$defs"]["report"]["properties"]
        for name in ("growth", "working_life", "findings", "snapshots", "snapshots_skipped", "graph_snapshot", "holders",
                     "who_holds_matched", "who_holds", "marks", "limits"):
            with self.subTest(name):
                self.assertTrue(report[name])
                rest = [where for where in unfilled(schema, properties[name], [report[name]], name)
                        if where not in ("findings[].folded_sites", "findings[].stack_cut", "who_holds[].stack_cut",
                                         "findings[].held_by.weak", "findings[].held_by.thread",
                                         "findings[].held_by.offset", "findings[].held_by.elided",
                                         "who_holds[].held_by.offset")]
                self.assertEqual(rest, [])

        # Objects stay closed, the new ones too.
        for path in (("findings", 0), ("findings", 0, "held_by"), ("findings", 1, "held_by", "path", 0),
                     ("findings", 0, "cycle", 0), ("findings", 0, "keeps", 0), ("findings", 0, "growth"),
                     ("findings", 0, "generations", 0), ("growth",), ("working_life",), ("marks", 0), ("limits", 0),
                     ("snapshots", 0),
                     ("snapshots_skipped", 0), ("holders", 0), ("holders", 0, "children", 0), ("who_holds", 0),
                     ("who_holds_matched",)):
            with self.subTest(path):
                copy = json.loads(json.dumps(report))
                part = copy
                for step in path:
                    part = part[step]
                part["surprise"] = 1
                with self.assertRaises(jsonschema.ValidationError):
                    validate(copy)

    def test_what_a_filled_report_says(self):
        report = json.loads(subprocess.run([FILLED], capture_output=True, check=True).stdout)
        lost, held = report["findings"]
        self.assertEqual((lost["direct_blocks"], lost["direct_bytes"]), (1000, 2000))
        self.assertEqual((lost["indirect_blocks"], lost["indirect_bytes"]), (30, 80 << 20))
        self.assertEqual((lost["copies"], lost["resurrected_blocks"], len(lost["keeps"])), (10, 2, 6))
        self.assertEqual(lost["cycle"][0],
                         {"type": "ConversationTranscriber", "bytes": 96, "offset": 0x18, "field": "recognized"})
        self.assertIsNone(lost["cycle"][2]["field"])
        self.assertEqual((lost["held_by"]["kind"], lost["held_by"]["path"]), ("none", []))
        self.assertEqual((held["held_by"]["kind"], held["held_by"]["symbol"]), ("global", "global_store"))
        self.assertEqual((held["held_by"]["file"], held["held_by"]["line"]), ("/src/demos/leak.cpp", 12))
        self.assertEqual([step["offset"] for step in held["held_by"]["path"]], [0x20, 0])
        self.assertEqual((lost["sites"], lost["bound_bytes"], held["bound_bytes"]), (3, 1 << 20, None))
        self.assertIn("left behind at every request", lost["summary"])
        self.assertIsNone(held["summary"])
        self.assertEqual(lost["growth"], {"trend": "linear", "bytes_per_hour": 1e9, "bytes_per_mark": 8.4e6})
        self.assertEqual(lost["generations"][1], {
            "to_s": 2, "live_bytes": 80 << 20, "live_blocks": 1030, "born_bytes": 40 << 20, "born_blocks": 530,
            "surviving_bytes": 0, "surviving_blocks": 0})
        self.assertEqual(report["growth"]["bytes_per_hour"], 144e9)
        self.assertEqual(report["working_life"],
                         {"begins_s": 0.1, "ends_s": 2.04, "live_bytes": 200 << 20, "live_blocks": 1_001_070})
        for mark in report["marks"]:
            for what in ("bytes", "blocks"):
                self.assertEqual(mark[f"before_live_{what}"] + mark[f"allocated_{what}"] - mark[f"freed_{what}"],
                                 mark[f"live_{what}"])
        self.assertEqual(report["limits"], [
            {"kind": "cgroup", "bytes": 512 << 20, "left_bytes": 290 << 20, "reached_in_s": 6.7},
            {"kind": "data", "bytes": 1 << 30, "left_bytes": None, "reached_in_s": None}])
        cut, whole = report["snapshots"]
        self.assertEqual((cut["reason"], cut["complete"], cut["unreachable_blocks"]), ("growth", False, None))
        self.assertEqual(whole["reachable_blocks"] + whole["weak_blocks"] + whole["unreachable_blocks"],
                         whole["live_blocks"])
        self.assertEqual((whole["pause_s"], whole["duration_s"]), (0.0008, 0.25))
        self.assertEqual(report["snapshots_skipped"], [{"reason": "growth", "why": "memory", "count": 2,
                                                        "error_text": "Cannot allocate memory"}])
        self.assertEqual(report["graph_snapshot"], whole["id"])
        strings = report["holders"][0]["children"][0]["children"][0]
        self.assertEqual((strings["count"], strings["bytes"]), (1_000_000, 54 << 20))
        self.assertEqual([holder["kind"] for holder in report["holders"]], ["global", "none"])
        self.assertEqual(report["who_holds"][0]["address"], "0x55d0c0a012c0")

    def test_without_snapshots(self):
        report = self.json_of(self.path("whole"))
        self.assertEqual((report["snapshots"], report["snapshots_skipped"], report["graph_snapshot"]), ([], [], None))
        for name in ("holders", "who_holds", "who_holds_matched"):
            self.assertNotIn(name, report)

    def test_bounds_are_checked(self):
        for arguments in (("report", "--bound", "cache", self.path("whole")), ("--bound", "cache=much", "true")):
            result = run(*arguments)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn("expected SITE=SIZE", result.stderr)
        self.json_of("--bound", "cache=256MB", "--bound=other=1G", self.path("whole"))

    def test_figures(self):
        report = self.json_of(self.path("whole"))
        memory = report["memory"]
        self.assertEqual(memory["total_allocations"], 2001)
        self.assertEqual(memory["total_frees"], 1001)
        self.assertEqual(memory["unknown_frees"], 1)
        self.assertEqual(memory["temporary_allocations"], 1000)
        live = sum(40 + i for i in range(1, 2000, 2)) + (3 << 20)
        self.assertEqual(memory["live_bytes_at_end"], live)
        self.assertEqual(sum(finding["bytes"] for finding in report["findings"]), live)
        self.assertEqual(memory["program_maps"], {"count": 1, "live_bytes_at_end": 0x10000})
        self.assertEqual(memory["max_rss_bytes"], 21 << 20)
        self.assertEqual(memory["rss_bytes_at_end"], 20 << 20)
        self.assertEqual(sum(row["bytes"] for row in memory["ledger"]) + memory["unexplained_bytes"], 20 << 20)
        self.assertAlmostEqual(memory["max_rss_time_s"], 0.5, places=2)
        self.assertEqual(report["teardown"]["freed_blocks"], 1)
        self.assertEqual(len(report["threads"]), 2)
        self.assertEqual([mark["time_s"] for mark in report["marks"]], sorted(mark["time_s"] for mark in report["marks"]))
        self.assertIn("umlaut ü, broken \ufffd", report["marks"][2]["name"])
        self.assertLessEqual(len(report["timeline"]), 256)
        self.assertEqual(max(point["live_bytes"] for point in report["timeline"]), memory["peak_live_bytes"])
        self.assertEqual(sum(bin["count"] for bin in report["lifetimes"]), memory["total_frees"])

    def test_ends(self):
        ends = {name: self.json_of(self.path(name))["process"]["end"] for name in ("whole", "child", "killed", "replaced")}
        self.assertEqual(ends["whole"], {"kind": "exited", "code": 0})
        self.assertEqual(ends["child"], {"kind": "signaled", "code": 11})
        self.assertEqual(ends["killed"], {"kind": "killed", "code": None})
        self.assertEqual(ends["replaced"], {"kind": "exited", "code": None, "exec": "/bin/next"})

    def test_losses(self):
        recording = self.json_of(self.path("killed"))["recording"]
        self.assertFalse(recording["complete"])
        self.assertEqual(len(recording["lost"]), 2)
        self.assertIn("size limit", recording["stopped"]["reason"])
        self.assertEqual(self.json_of(self.path("child"))["recording"]["unwind_check"]["events"], 1000)

    def test_a_folder_and_several_traces_are_a_tree(self):
        for arguments in ([self.folder], [self.path(name) for name in ("killed", "child", "whole", "replaced", "empty")]):
            document = self.json_of(*arguments)
            self.assertEqual(document["schema"], "tidemark.report-tree/1")
            self.assertEqual(document["reports"][0]["process"]["trace_id"], f"{1:016x}")
            self.assertEqual(len(document["tree"]), 5)
            self.assertEqual(document["totals"]["total_allocations"], 4 * 2001)
        text = run("report", self.folder)
        self.assertEqual(text.returncode, 0)
        self.assertIn("PROCESSES", text.stdout)

    def test_top(self):
        report = self.json_of(self.path("whole"), "--top", "1")
        self.assertEqual(len(report["findings"]), 2)
        self.assertGreater(report["findings"][1]["folded_sites"], 0)
        self.assertEqual(len(report["peak_stacks"]), 1)

    def test_output_file(self):
        path = self.path("report.json")
        result = run("report", self.path("whole"), "--format=json", "-o", path)
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        with open(path, encoding="utf-8") as file:
            validate(json.load(file))
        before = os.stat(path)
        self.assertEqual(run("report", "/nowhere", "--format=json", "-o", path).returncode, 2)
        self.assertEqual(os.stat(path).st_size, before.st_size)  # an older report survives
        os.unlink(path)
        self.assertEqual(run("report", self.path("whole"), "-o", "/nowhere/at/all").returncode, 2)

    def test_a_full_disk_is_a_failure(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w", encoding="utf-8") as full:
            for kind in ("text", "json"):
                result = subprocess.run([TIDEMARK, "report", "--format", kind, self.path("whole")], stdout=full,
                                        stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(result.returncode, 2)
                self.assertIn("cannot write", result.stderr)

    def test_failures(self):
        with open(self.path("whole"), "rb") as file:
            whole = file.read()
        with tempfile.TemporaryDirectory() as folder:
            def write(name, content):
                path = os.path.join(folder, name)
                with open(path, "wb") as file:
                    file.write(content)
                return path

            for arguments, message in (
                ([os.path.join(folder, "missing")], "cannot open"),
                ([write("text", b"no trace at all")], "not a trace"),
                ([write("header", whole[:100])], "cut at byte 100"),
                ([folder], "no trace in the folder"),
                (["/dev/null"], "not a regular file"),
                (["--format", "html", self.path("whole")], "not in this version"),
                (["--format", "html"], "not in this version"),
                ([], "no trace given"),
                (["--who-holds", "0xleak", self.path("whole")], "expected a hexadecimal address"),
                (["--who-holds", "", self.path("whole")], "expected an address such as"),
                ([self.path("whole"), "--who-holds"], "needs a value"),
                (["--who-holds", "0x1000", self.path("whole"), self.path("child")], "name its trace alone"),
                (["--who-holds", "0x1000", self.folder], "name its trace alone"),
                (["--holders=yes", self.path("whole")], "unknown option --holders=yes"),
            ):
                with self.subTest(message):
                    if arguments == [folder]:
                        for name in os.listdir(folder):
                            os.unlink(os.path.join(folder, name))
                    result = run("report", *arguments)
                    self.assertEqual(result.returncode, 2)
                    self.assertIn(message, result.stderr)
                    self.assertEqual(result.stdout, "")

            cut = write("cut", whole[: len(whole) - 5000])
            result = run("report", cut)
            self.assertEqual(result.returncode, 0)
            self.assertIn(f"cut at byte {len(whole) - 5000}", result.stderr)
            report = self.json_of(cut)
            self.assertFalse(report["recording"]["complete"])

            # One of several is unreadable: the others are reported, and the status tells.
            document = self.json_of(self.path("whole"), write("bad", b"bad"), status=2)
            self.assertEqual(len(document["reports"]), 1)

    def test_other_commands(self):
        for name in ("check", "diff", "export", "top", "pack"):
            result = run(name, "x")
            self.assertEqual((result.returncode, result.stderr), (2, f"tidemark: {name} is not in this version\n"))
        self.assertEqual(run("--help").returncode, 0)
        self.assertTrue(run("--version").stdout.startswith("tidemark "))
        self.assertEqual(run().returncode, 2)
        self.assertEqual(run("mark", "4000000", "text").returncode, 2)
        self.assertIn("writes no trace", run("mark", str(os.getpid()), "text").stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
