#!/usr/bin/env python3
"""`tidemark run` as users call it: it must be invisible to the program and to whoever waits for it.

    run_command_test.py TIDEMARK SCHEMA
"""
import fcntl
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import jsonschema

TIDEMARK, SCHEMA = sys.argv[1:3]
PYTHON = "/usr/bin/python3"


class RunCommand(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name

    def tearDown(self):
        self.temporary.cleanup()

    def run_command(self, *arguments, **options):
        return subprocess.run([TIDEMARK, *arguments], cwd=self.folder, capture_output=True, text=True, check=False, **options)

    def start(self, *arguments, **options):
        return subprocess.Popen([TIDEMARK, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **options)

    def traces(self):
        return sorted(glob.glob(os.path.join(self.folder, "*.tidemark*")))

    def report(self, *traces):
        result = subprocess.run([TIDEMARK, "report", "--format", "json", *traces], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        document = json.loads(result.stdout)
        with open(SCHEMA, encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(document)
        return document

    def test_exit_statuses(self):
        self.assertEqual(self.run_command("true").returncode, 0)
        self.assertEqual(self.run_command("sh", "-c", "exit 42").returncode, 42)
        self.assertEqual(self.run_command("run", "--", "sh", "-c", "kill -TERM $$").returncode, 128 + signal.SIGTERM)
        self.assertEqual(self.run_command("sh", "-c", "kill -KILL $$").returncode, 128 + signal.SIGKILL)
        missing = self.run_command("no-such-program")
        self.assertEqual(missing.returncode, 127)
        self.assertIn("no-such-program", missing.stderr)
        self.assertEqual(self.run_command("/etc/passwd").returncode, 126)
        self.assertEqual(self.run_command("--mode", "sample", "true").returncode, 2)

    def test_streams_are_the_programs_own(self):
        result = self.run_command("--quiet", "sh", "-c", "cat; echo to stderr >&2", input="through\n")
        self.assertEqual((result.stdout, result.stderr), ("through\n", "to stderr\n"))

    def test_report_goes_to_stderr(self):
        result = self.run_command("--report", "json", "cat", input="")
        self.assertEqual(result.stdout, "")
        report = json.loads(result.stderr)
        self.assertEqual(report["process"]["end"], {"kind": "exited", "code": 0})
        self.assertIn("NO-GROWTH (flat", self.run_command("cat", input="").stderr)
        self.assertEqual(self.run_command("--report", "none", "cat", input="").stderr, "")

    def test_output_pattern(self):
        self.run_command("-o", "x.%e.%p.trace", "--quiet", "cat", input="")
        (path,) = glob.glob(os.path.join(self.folder, "x.cat.*.trace"))
        pid = int(path.split(".")[-2])
        self.assertEqual(self.report(path)["process"]["pid"], pid)
        self.run_command("-o", "same", "--quiet", "cat", input="")
        self.run_command("-o", "same", "--quiet", "cat", input="")
        self.assertEqual(len(glob.glob(os.path.join(self.folder, "same*"))), 2)  # never overwritten

    def test_traces_are_trimmed_and_ended_after_a_kill(self):
        code = "import os, signal; x = [str(i) for i in range(100000)]; os.kill(os.getpid(), signal.SIGKILL)"
        self.assertEqual(self.run_command("--quiet", PYTHON, "-c", code).returncode, 128 + 9)
        (trace,) = self.traces()
        self.assertLess(os.stat(trace).st_size, 1 << 26)
        report = self.report(trace)
        self.assertEqual(report["process"]["end"], {"kind": "signaled", "code": 9})
        self.assertTrue(report["recording"]["complete"])

    def wait_for(self, condition):
        for _ in range(400):
            if condition():
                return True
            time.sleep(0.025)
        return False

    def test_signals_reach_the_program(self):
        code = ("import signal, time, sys\n"
                "got = []\n"
                "for s in (signal.SIGUSR1, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):\n"
                "    signal.signal(s, lambda n, f: got.append(n))\n"
                "print('ready', flush=True)\n"
                "while signal.SIGTERM not in got: time.sleep(0.01)\n"
                "print(sorted(got), flush=True)\n")
        process = self.start("--quiet", PYTHON, "-c", code)
        self.assertEqual(process.stdout.readline(), "ready\n")
        for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
            time.sleep(0.05)
        output, _ = process.communicate(timeout=20)
        self.assertEqual(output, "[1, 2, 10, 15]\n")
        self.assertEqual(process.returncode, 0)

    def test_control_c_is_delivered_once(self):
        code = ("import signal, time\n"
                "got = []\n"
                "signal.signal(signal.SIGINT, lambda n, f: got.append(n))\n"
                "print('ready', flush=True)\n"
                "end = time.monotonic() + 1\n"
                "while time.monotonic() < end: time.sleep(0.01)\n"
                "print('got', len(got), flush=True)\n")
        master, slave = os.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = subprocess.Popen([TIDEMARK, "--quiet", PYTHON, "-c", code], cwd=self.folder, stdin=slave, stdout=slave,
                                   stderr=slave, preexec_fn=take_terminal)
        os.close(slave)
        output = b""
        while b"ready" not in output:
            output += os.read(master, 1000)
        os.write(master, b"\x03")  # the terminal sends SIGINT to the foreground group: the program and us
        try:
            while not re.search(rb"got \d+", output):
                output += os.read(master, 1000)
        except OSError:
            pass
        self.assertEqual(process.wait(timeout=20), 0)
        os.close(master)
        self.assertIn(b"got 1", output)

    def test_inherited_dispositions_and_masks_are_handed_on(self):
        code = ("import signal\n"
                "print(signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN, signal.getsignal(signal.SIGHUP) == signal.SIG_IGN,"
                " sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))")

        def prepare():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])

        native = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, preexec_fn=prepare, check=True)
        recorded = self.run_command("--quiet", PYTHON, "-c", code, preexec_fn=prepare)
        self.assertEqual(recorded.stdout, native.stdout)
        self.assertEqual(recorded.returncode, 0)

    def test_running_program_marks_and_outside_samples(self):
        code = ("import time, sys\n"
                "x = [str(i) for i in range(50000)]\n"
                "print('ready', flush=True)\n"
                "sys.stdin.readline()\n")
        process = self.start("--quiet", PYTHON, "-c", code, stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.assertTrue(self.wait_for(lambda: len(self.traces()) == 1))
        (trace,) = self.traces()
        pid = trace.split(".")[-2]
        time.sleep(0.5)  # idle: only samples from outside
        mark = subprocess.run([TIDEMARK, "mark", pid, "while idle"], capture_output=True, text=True, check=False)
        self.assertEqual(mark.returncode, 0, mark.stderr)
        running = self.report(trace)
        self.assertEqual(running["process"]["end"], {"kind": "running", "code": None})
        self.assertEqual([mark["name"] for mark in running["marks"]], ["while idle"])
        self.assertGreater(running["marks"][0]["rss_bytes"], 1 << 20)
        process.communicate("go\n", timeout=20)
        ended = self.report(trace)
        self.assertEqual(ended["process"]["end"], {"kind": "exited", "code": 0})
        self.assertTrue(ended["recording"]["complete"], ended["recording"])
        seen = [point for point in ended["timeline"] if point["rss_bytes"] is not None]
        idle = [point for point in seen if ended["marks"][0]["time_s"] - 0.45 < point["time_s"] < ended["marks"][0]["time_s"]]
        self.assertGreaterEqual(len(idle), 2)

    def test_stop_and_continue(self):
        process = self.start("--quiet", PYTHON, "-c", "import time; print('ready', flush=True); time.sleep(0.5)",
                             start_new_session=False, process_group=0) if sys.version_info >= (3, 11) else None
        if process is None:
            self.skipTest("needs python 3.11")
        self.assertEqual(process.stdout.readline(), "ready\n")

        def state():
            with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:
                return file.read().rsplit(")", 1)[1].split()[0]

        process.send_signal(signal.SIGTSTP)  # reaches the program, which stops; then so do we, for the shell to see
        self.assertTrue(self.wait_for(lambda: state() == "T"))
        os.killpg(process.pid, signal.SIGCONT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)

    def test_children_are_one_tree(self):
        code = ("import os, sys\n"
                "for i in range(3):\n"
                "    if os.fork() == 0: os._exit(i)\n"
                "    os.wait()\n"
                "os.execvp('cat', ['cat', '/dev/null'])\n")
        result = self.run_command("--report", "json", PYTHON, "-c", code)
        self.assertEqual(result.returncode, 0)
        tree = json.loads(result.stderr)
        self.assertEqual(tree["schema"], "tidemark.report-tree/1")
        self.assertEqual(len(tree["reports"]), 5)
        ends = sorted(str(report["process"]["end"]["code"]) for report in tree["reports"])
        self.assertEqual(ends, ["0", "0", "1", "2", "None"])
        self.assertEqual(tree["totals"]["processes"], 4)
        result = self.run_command("--no-follow-fork", "--report", "json", PYTHON, "-c", code)
        self.assertEqual(json.loads(result.stderr)["schema"], "tidemark.report/1")

    def test_an_existing_preload_stays_first(self):
        # The option is for builds of the command with AddressSanitizer.
        environment = {**os.environ, "LD_PRELOAD": "libm.so.6", "ASAN_OPTIONS": "verify_asan_link_order=0"}
        result = self.run_command("--quiet", "sh", "-c", "echo $LD_PRELOAD", env=environment)
        self.assertTrue(result.stdout.startswith("libm.so.6:/"), result.stdout)

    def test_why_nothing_was_recorded(self):
        source = os.path.join(self.folder, "static.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("int main(void) { return 5; }\n")
        program = os.path.join(self.folder, "static")
        if subprocess.run(["cc", "-static", "-o", program, source], check=False, capture_output=True).returncode != 0:
            self.skipTest("no static libc")
        result = self.run_command(program)
        self.assertEqual(result.returncode, 5)
        self.assertIn("statically linked", result.stderr)
        self.assertEqual(self.run_command("--quiet", program).stderr, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
