"""What a run keeps when the machine gives out: its memory, its disk, its user's patience.

Runs the command ORRERY_BIN under limits of the system. Exit 0: errors and files are as promised.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(os.environ.get("ORRERY_ROOT", Path(__file__).resolve().parents[2]))
PROGRAM = os.environ.get("ORRERY_BIN", str(ROOT / "build/test/harness/cli/orrery"))
BASELINE = ROOT / "scenarios/library/baseline"
MIB = 1 << 20
ENVIRONMENT = 3
INTERRUPTED = 130


def start(scenario, folder, *arguments, limit=None):
    def before():
        if limit:
            resource.setrlimit(limit[0], (limit[1], limit[1]))
    # SIGXFSZ stays ignored, as Python has it: writing then fails as on a full disk.
    return subprocess.Popen([PROGRAM, "run", str(BASELINE / scenario), "--out", folder, *arguments],
                            stderr=subprocess.PIPE, text=True, preexec_fn=before,
                            restore_signals=False)


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def ended(process, code):
    _, error = process.communicate(timeout=120)
    expect(process.returncode == code, f"exit {process.returncode}, not {code}\n{error}")
    return error


def summary(folder):
    return json.loads((Path(folder) / "summary.json").read_text())


def out_of_memory(folder):
    error = ended(start("hundred.yaml", folder, "--set", "vars.nodes=500", "--set", "until=5m",
                        limit=(resource.RLIMIT_AS, 400 * MIB)), ENVIRONMENT)
    expect("out of memory" in error and "virtual time" in error, f"the error says it: {error}")
    expect(summary(folder)["partial"], "the record is partial")
    expect(summary(folder)["events"] > 1000, "the record tells what came before")


def full_disk(folder):
    error = ended(start("four.yaml", folder, limit=(resource.RLIMIT_FSIZE, 40_000)), ENVIRONMENT)
    expect("cannot write" in error and "stays in" in error, f"the error says it: {error}")
    expect(summary(folder)["height"] > 0, "what was written before is whole")
    left = [f.name for f in Path(folder).iterdir() if f.name.endswith(".tmp")]
    expect(not left, f"no half file is left: {left}")


def computed(process):
    """Seconds of processor time that the process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def interrupted(folder):
    process = start("thirty.yaml", folder, "--set", "until=100h")
    while process.poll() is None and computed(process) < 0.5:  # somewhere in its hundred hours
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    ended(process, INTERRUPTED)
    expect(summary(folder)["partial"], "the record is partial")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        for check in (out_of_memory, full_disk, interrupted):
            check(f"{scratch}/{check.__name__}")
            print(f"{check.__name__}: as promised")


if __name__ == "__main__":
    main()
