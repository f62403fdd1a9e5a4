"""What the lint programs share: which files belong to the tree, and how findings are printed."""

import os
import re
import sys

CODE_FOLDERS = ("engine", "protocol", "gpu", "scenarios", "harness", "reports", "tests")
SKIPPED = ("corpus", "__pycache__", "node_modules")
CPP = (".h", ".cc", ".cu", ".cuh")
# Folders whose code must be a function of its inputs (see ARCHITECTURE.md, "Determinism").
DETERMINISTIC = ("engine/base", "engine/env", "engine/sim", "engine/check", "protocol",
                 "gpu/api", "gpu/cpu", "scenarios/generate")


def files(root, endings, folders=CODE_FOLDERS):
    """Paths below `root`, relative to it, sorted; neither fuzz corpora nor fetched packages."""
    for folder in folders:
        for base, names, found in os.walk(os.path.join(root, folder)):
            names[:] = sorted(n for n in names if n not in SKIPPED)
            for name in sorted(found):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(base, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def below(path, folder):
    return path == folder or path.startswith(folder + "/")


_TOKENS = re.compile(
    r'R"([^()\\ ]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/|'
    r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)


def code_only(text):
    """The text with comments and literals blanked; lines keep their numbers."""
    return _TOKENS.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def report(findings):
    """Prints findings, one a line, and returns the exit code."""
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0
