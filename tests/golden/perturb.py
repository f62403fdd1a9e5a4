"""The digest of a run must not depend on the process it runs in.

Runs the command ORRERY_BIN on one scenario under different address space layouts, contents of
fresh memory, time zones, locales, working folders, memo, numbers of threads, traces and log levels,
and compares the digests.
Exit 0: all equal, and another seed differs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("ORRERY_ROOT", Path(__file__).resolve().parents[2]))
PROGRAM = os.environ.get("ORRERY_BIN", str(ROOT / "build/test/harness/cli/orrery"))
SCENARIO = ROOT / "scenarios/library/quickstart.yaml"
# The split comes forward, so that the few minutes hold more than fair weather.
ARGUMENTS = ["--until", "5m", "--json", "--no-report",
             "--set", "vars.split_at=1m", "--set", "vars.split_for=40s"]


def digest(options=(), variables=None, before=(), folder=None):
    with tempfile.TemporaryDirectory() as scratch:
        command = [*before, PROGRAM, "run", str(SCENARIO), *ARGUMENTS, *options,
                   "--out", str(Path(scratch) / "a run")]
        done = subprocess.run(command, cwd=folder or scratch, capture_output=True, text=True,
                              env={**os.environ, **(variables or {})}, timeout=120)
    if not done.stdout:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)["digest"]


def variants():
    yield "again", {}
    if shutil.which("setarch") and fixed_layout_allowed():
        yield "fixed address space layout", {"before": ["setarch", "-R"]}
    else:
        print("left out: setarch -R (not allowed here)")
    for byte in ("85", "170"):
        yield f"fresh memory filled with {byte}", {"variables": {"MALLOC_PERTURB_": byte}}
    yield "time zone of Tokyo", {"variables": {"TZ": "Asia/Tokyo"}}
    yield "time zone UTC", {"variables": {"TZ": "UTC"}}
    yield "locale C", {"variables": {"LC_ALL": "C"}}
    yield "locale C.UTF-8", {"variables": {"LC_ALL": "C.UTF-8"}}
    yield "a locale that is not there", {"variables": {"LC_ALL": "de_DE.UTF-8"}}
    yield "another working folder", {"folder": "/"}
    yield "without the memo", {"options": ["--no-memo"]}
    for threads in ("2", "4"):
        yield f"{threads} threads", {"options": ["--threads", threads]}
    yield "with a trace for the viewer", {"options": ["--trace"]}
    yield "with the log", {"options": ["--log", "debug"]}


def fixed_layout_allowed():
    return subprocess.run(["setarch", "-R", "true"], capture_output=True).returncode == 0


def main():
    first = digest()
    print(f"{first}  as it is")
    good = True
    for name, how in variants():
        seen = digest(**how)
        good = good and seen == first
        print(f"{seen}  {name}{'' if seen == first else '   DIFFERS'}")
    other = digest(options=["--seed", "1"])
    print(f"{other}  another seed{'   THE SAME' if other == first else ''}")
    return 0 if good and other != first else 1


if __name__ == "__main__":
    sys.exit(main())
