"""Verbs that look into a run, as a user types them: trace, replay with stops, run with a fork.

Runs the command ORRERY_BIN on a shortened quickstart. What the verbs do is tested in
tests/property/harness; here are their words, files and exit codes. Exit 0: all as promised.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("ORRERY_ROOT", Path(__file__).resolve().parents[2]))
PROGRAM = os.environ.get("ORRERY_BIN", str(ROOT / "build/test/harness/cli/orrery"))
SCENARIO = str(ROOT / "scenarios/library/quickstart.yaml")
SHORT = ["--until", "90s", "--set", "vars.split_at=40s", "--set", "vars.split_for=20s"]


def run(*arguments, code=0):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != code:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}, not {code}\n{done.stderr}")
    return done


def expect(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def stop(folder, *arguments, code=0):
    return json.loads(run("replay", folder, "--json", *arguments, code=code).stdout)


def trace(folder, scratch):
    full = json.loads((Path(folder) / "trace.json").read_text())
    expect(full["otherData"]["schema"] == "orrery.trace/1", "run --trace writes trace.json")
    out = f"{scratch}/window.json"
    counts = json.loads(run("trace", folder, "--from", "35s", "--to", "45s", "--nodes",
                            "group(validators)", "-o", out, "--json").stdout)
    rows = json.loads(Path(out).read_text())["traceEvents"]
    expect(counts["rows"] == len(rows) and counts["flows"] > 0, "the counts are those of the file")
    expect(len(rows) < len(full["traceEvents"]) / 10, "a window is smaller than the run")
    wrong = run("trace", folder, "--nodes", "group(validator)", code=2)
    expect("did you mean 'validators'" in wrong.stderr, "an unknown group is named")
    run("trace", folder, "--from", "50s", "--to", "40s", code=2)


def replay(folder):
    there = stop(folder, "--to", "60s", "--node", "validators-0")
    expect(there["stopped_by"] == "time" and there["at_ns"] == 60 * 10**9, "--to stops at a time")
    expect(there["nodes"][0]["node"] == "validators-0" and there["nodes"][0]["timers"],
           "the node's timers are told")
    by_number = stop(folder, "--to", str(there["event"]))
    expect(by_number["digest"] == there["digest"] or by_number["at_ns"] < there["at_ns"],
           "--to stops at an event")
    held = stop(folder, "--break", "kind=vote-sent,node=validators-2,height>=1")
    expect(held["stopped_by"] == "break" and held["break"]["node"] == "validators-2"
           and held["nodes"][0]["height"] >= 1, "--break stops where its condition holds")
    expect(stop(folder, "--break", "height>=9999", "--break", "fault=split")["break"]["condition"]
           == "fault=split", "any of several conditions will do")
    stop(folder, "--break", "invariant", code=4)
    wrong = run("replay", folder, "--break", "hight>3", code=2)
    expect("did you mean 'height'" in wrong.stderr, "an unknown key is named")
    run("replay", folder, "--to", "2h", code=2)
    run("replay", folder, "--node", "nobody", code=2)


def fork(folder, scratch):
    digest = json.loads((Path(folder) / "replay.json").read_text())["digest"]
    futures = Path(scratch) / "futures.yaml"
    futures.write_text("futures:\n  - name: churned\n    timeline:\n"
                       "      - {do: crash, targets: workers-1, restart_after: 5s}\n")
    out = f"{scratch}/forked"
    options = ["run", SCENARIO, *SHORT, "--out", out, "--no-report", "--fork-at", "1m"]
    told = json.loads(run(*options, "--json", "--variant", "as-is", "--variant", "seed=7",
                          "--variant",
                          "cut := do: crash, targets: \"group(users)[0..1]\", restart_after: 9s",
                          "--variants", str(futures)).stdout)
    seen = {future["name"]: future["run"]["digest"] for future in told["futures"]}
    expect(list(seen) == ["as-is", "seed-7", "cut", "churned"], "every future has its name")
    expect(seen["as-is"] == digest, "a future without changes is the run that was not forked")
    expect(len(set(seen.values())) == 4, "the others differ")
    for name in seen:
        run("replay", f"{out}/{name}")
    expect("different" in run("diff", f"{out}/as-is", f"{out}/cut", code=1).stderr,
           "diff takes futures")
    run("shrink", f"{out}/cut", code=2)
    for wrong in (["--variant", "do: crush, targets: workers-1"], ["--variant", "seed=x"], [],
                  ["--variant", "as-is", "--variant", "as-is"]):
        run(*options, *wrong, code=2)
    run("run", SCENARIO, "--variant", "as-is", code=2)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = f"{scratch}/run"
        run("run", SCENARIO, *SHORT, "--out", folder, "--no-report", "--quiet", "--trace")
        trace(folder, scratch)
        replay(folder)
        fork(folder, scratch)
    print("trace, replay and fork do as they say")


if __name__ == "__main__":
    main()
