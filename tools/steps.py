"""Steps of a run: each is run, timed and counted; the closing line adds them up.

Used by tools/test and tools/proof. A step prints one line when it is done; the words of one that
failed follow at once, and all of them stand in build/logs/NAME.log.
"""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build/logs"
RESULTS = ROOT / "build/results"
TAIL_LINES = 60
LINE_MAX = 300
KILLED = 124
SKIPPED = 77

# The first report of a sanitizer ends the program, so that no test passes with one.
SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def tsan_wrapper():
    """The thread sanitizer of Debian 12 wants a memory layout that is not too random."""
    setarch = ["setarch", platform.machine(), "-R"]
    works = shutil.which("setarch") and subprocess.run(setarch + ["true"], capture_output=True).returncode == 0
    return setarch if works else []


class Steps:
    def __init__(self, name):
        self.name = name
        self.rows = []  # (name, seconds, passed, failed, skipped)
        self.started = time.monotonic()
        LOGS.mkdir(parents=True, exist_ok=True)
        RESULTS.mkdir(parents=True, exist_ok=True)

    @property
    def failed(self):
        return sum(row[3] for row in self.rows)

    def _run(self, name, argv, env, seconds):
        """Exit code, log and seconds of a command, which gets no stdin and `seconds` to live."""
        log = LOGS / (re.sub(r"[^\w.+]+", "-", name) + ".log")
        start = time.monotonic()
        with open(log, "w") as out:
            child = subprocess.Popen(
                [str(word) for word in argv], cwd=ROOT, env={**os.environ, **SANITIZERS, **(env or {})},
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                code = child.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 9)
                child.wait()
                out.write(f"\nended after {seconds} s, the time this step has\n")
                code = KILLED
            except KeyboardInterrupt:
                os.killpg(child.pid, 9)
                raise
        return code, log, time.monotonic() - start

    def _done(self, name, seconds, passed, failed, skipped, words):
        self.rows.append((name, seconds, passed, failed, skipped))
        counts = f"{passed} passed" + (f", {failed} failed" if failed else "") + (f", {skipped} skipped" if skipped else "")
        print(f"{'FAIL' if failed else 'ok':5}{name:34}{seconds:7.1f} s   {counts}", flush=True)
        if failed and words:
            print("\n".join("     | " + line[:LINE_MAX] for line in words.rstrip().splitlines()[-TAIL_LINES:]), flush=True)
        return failed == 0

    def command(self, name, argv, env=None, seconds=None):
        """A step that passes or fails as a whole, or says with its last line why it is skipped."""
        code, log, took = self._run(name, argv, env, seconds)
        words = log.read_text(errors="replace")
        if code == SKIPPED:
            return self.skip(name, (words.strip().splitlines() or [""])[-1])
        return self._done(name, took, int(code == 0), int(code != 0), 0, words)

    def build(self, name, directory, targets=()):
        """Have a build directory of tools/setup built, or targets of it. Counts as one step."""
        return self.command(name, ["sh", "-ec", 'tools/setup "$0"; exec ninja -C "$0" --quiet "$@"', directory, *targets])

    def tests(self, name, directory, suites=(), wrapper=(), repeat=1, seconds=None):
        """The tests of a build directory; each test function of a TAP program counts as one."""
        argv = ["meson", "test", "-C", directory, "--no-rebuild", "--num-processes", str(os.cpu_count() or 1),
                "--timeout-multiplier", "5"]  # a slow machine is no failure; what hangs is found anyway
        argv += [word for suite in suites for word in ("--suite", suite)]
        argv += ["--repeat", str(repeat)] if repeat > 1 else []
        argv += ["--wrapper", " ".join(wrapper)] if wrapper else []
        logs = ROOT / directory / "meson-logs"
        for old in logs.glob("testlog*.json"):
            old.unlink()
        code, log, took = self._run(name, argv, None, seconds)
        passed = failed = skipped = 0
        words = []
        for line in "".join(file.read_text() for file in logs.glob("testlog*.json")).splitlines():
            test = json.loads(line)
            counts = count_test(test)
            passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
            if counts[1]:
                words += [f"{test['name']}: {test['result']}", test.get("stdout", ""), test.get("stderr", "")]
        if code != 0 and failed == 0:
            failed, words = 1, [log.read_text(errors="replace")]
        if passed + failed + skipped == 0:
            failed, words = 1, [f"no tests in {directory} {' '.join(suites)}"]
        return self._done(name, took, passed, failed, skipped, "\n".join(words))

    def skip(self, name, why):
        self.rows.append((name, 0.0, 0, 0, 1))
        print(f"{'skip':5}{name:34}              {why}", flush=True)

    def close(self):
        """Print the closing line, keep the counts for .ci/run, and return the exit code."""
        passed, failed, skipped = (sum(row[i] for row in self.rows) for i in (2, 3, 4))
        (RESULTS / self.name).write_text(f"{passed} {failed} {skipped}\n")
        print(f"make {self.name}: {time.monotonic() - self.started:.0f} s")
        print(closing_line(passed, failed, skipped), flush=True)
        return 1 if failed else 0


def count_test(test):
    """Passed, failed and skipped of one entry of Meson's testlog.json."""
    good = test["result"] in ("OK", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        return 0, 0, 1
    passed = failed = skipped = 0
    for line in test.get("stdout", "").splitlines():
        if line.startswith(("ok ", "not ok ")):
            if "# SKIP" in line:
                skipped += 1
            elif line.startswith("ok "):
                passed += 1
            else:
                failed += 1
        elif line.startswith("# skipped:"):  # cmocka's own way of skipping is not TAP
            skipped += 1
            passed -= 1
    if passed + failed + skipped == 0:
        return int(good), int(not good), 0
    return passed, failed if good else max(failed, 1), skipped


def rotation():
    """A number that changes with the commit, so that what is sampled moves on; else with the day."""
    if shutil.which("git"):
        git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        if git.returncode == 0:
            return int(git.stdout[:8], 16)
    return int(time.time() // 86400)


def closing_line(passed, failed, skipped):
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def main_guard(run):
    try:
        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(130)
