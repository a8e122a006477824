#!/usr/bin/env python3
"""Help, manual pages and completion: each made of the one table, so each has every verb and every option.

    test/cli/test_help.py TIDINGS
"""

import pathlib
import re
import shutil
import subprocess
import sys

from tool import SECONDS, check, done, program, run

TIDINGS = program()


def verbs():
    """Name -> what `tidings help` says of it."""
    ran = run(TIDINGS, "help")
    return dict(re.findall(r"^  (\S+) +(\S.*)$", ran.stdout, re.M))


def options_of(verb):
    return set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", run(TIDINGS, verb, "--help").stdout, re.M))


def help_of_all(names):
    first = run(TIDINGS, "--help")
    shown = re.findall(r"^  (\S+) +\S", first.stdout, re.M)
    check("the first page: eight verbs at most, and the names of the others", 0 < len(shown) <= 8 and all(
        re.search(rf"\b{name}\b", first.stdout) for name in names), first)
    check("without a word: usage", run(TIDINGS).returncode == 2)
    check("help of what is none", run(TIDINGS, "help", "publsh").returncode == 2)
    for name, line in names.items():
        ran = run(TIDINGS, name, "--help")
        check(f"{name} --help", ran.returncode == 0 and ran.stdout.startswith(f"tidings {name} [OPTION]...") and f"{line}." in
              ran.stdout and "\n  $ " in ran.stdout and "--help" in ran.stdout, ran)
        check(f"help {name} is the same", run(TIDINGS, "help", name).stdout == ran.stdout)
        check(f"{name}: no line is wider than a terminal", all(len(text) <= 80 or text.startswith("  ") for text in
                                                               ran.stdout.splitlines()), ran)


def manual_pages(names):
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        print("mandoc is not installed: lint skipped")
    for name in [None, *names]:
        ran = run(TIDINGS, "help", "--mdoc", *([name] if name else []))
        check(f"a page of {name}", ran.returncode == 0 and ran.stdout.startswith(".Dd "), ran)
        missing = [option for option in options_of(name) if f"Fl -{option}" not in ran.stdout] if name else [
            verb for verb in names if f"tidings-{verb} 1" not in ran.stdout]
        check(f"the page of {name or 'all'} has all: {missing}", not missing)
        if mandoc:
            lint = subprocess.run([mandoc, "-T", "lint", "-W", "warning"], input=ran.stdout, capture_output=True, text=True, timeout=SECONDS)
            words = [line for line in (lint.stdout + lint.stderr).splitlines() if "referenced manual not found" not in line]
            check(f"mandoc of {name or 'all'}: {words}", not words)


def completed(line):
    """What bash offers for the last word of a line."""
    script = run(TIDINGS, "completion", "bash").stdout
    words = " ".join(f"'{word}'" for word in line.split(" "))
    asked = f"{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _tidings; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    ran = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=SECONDS)
    check(f"completion of {line}: {ran.stderr}", ran.returncode == 0 and not ran.stderr)
    return set(ran.stdout.split())


def completion(names):
    for shell in ("bash", "zsh", "fish"):
        script = run(TIDINGS, "completion", shell).stdout
        missing = [name for name in names if name not in script]
        missing += [option for name in names for option in options_of(name) if option not in script]
        check(f"{shell} has all verbs and options: {missing}", script and not missing)
        if shutil.which(shell):
            ran = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, timeout=SECONDS)
            check(f"{shell} can read it: {ran.stderr}", ran.returncode == 0 and not ran.stderr)
    check("verbs", completed("tidings ") == set(names))
    check("the beginning of a verb", completed("tidings pub") == {"publish"})
    check("options", "--expect" in completed("tidings publish --"))
    check("the beginning of an option", completed("tidings read --rev") == {"--reverse"})
    check("words of a choice", completed("tidings read --color ") == {"auto", "always", "never"})
    check("actions", {"list", "create"} <= completed("tidings logs "))
    check("shells", {"bash", "zsh", "fish"} <= completed("tidings completion "))
    check("a value nobody knows", completed("tidings read --limit ") == set())


def main():
    names = verbs()
    check("verbs are listed", len(names) > 10)
    built = pathlib.Path(__file__).parents[2] / "src/cli/meson.build"
    listed = re.findall(r"^  '([a-z-]+)',$", built.read_text().split("cli_verbs = [")[1], re.M)
    check(f"src/cli/meson.build lists the verbs: {sorted(names)}", listed == sorted(names))
    help_of_all(names)
    manual_pages(names)
    completion(names)
    return done()


if __name__ == "__main__":
    sys.exit(main())
