"""The interpreter around a run: threads, signals, callbacks, files."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import orrery

# Presses Ctrl-C as soon as virtual time has moved. Progress goes to a function written in C: in
# Python code the interpreter would notice the signal without any help of ours.
INTERRUPTED = """
import functools, os, signal, struct, sys, threading, time
import orrery
reached = bytearray(24)
def press():
    while not any(reached[:8]): time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press).start()
try:
    run = orrery.run(sys.argv[1], set={"until": "1000h"}, on_interrupt=sys.argv[2],
                     progress=functools.partial(struct.pack_into, "ddQ", reached, 0))
except orrery.Interrupted as interrupted:
    print("raised")
    run = interrupted.run
print(run.partial, run.interrupted, run.exit, len(run.blocks) == run.height,
      struct.unpack_from("d", reached)[0] <= run.virtual_seconds < 3600000,
      sum(run.ledger.tail(run.ledger["pool"].nunique())["amount"]))
"""


@pytest.mark.parametrize("choice", ["partial", "raise"])
def test_ctrl_c_keeps_what_was_simulated(four, choice):
    child = subprocess.run([sys.executable, "-B", "-c", INTERRUPTED, str(four), choice],
                           stdout=subprocess.PIPE, text=True, timeout=20, check=True)
    *before, last = child.stdout.splitlines()
    assert before == (["raised"] if choice == "raise" else [])
    assert last == f"True True 130 True True {10**27}"


def test_other_threads_work_during_a_run(four):
    ticks = []
    over = threading.Event()

    def count():
        while not over.wait(0.005):
            ticks.append(time.monotonic())

    counter = threading.Thread(target=count)
    counter.start()
    begin = time.monotonic()
    orrery.run(four)
    end = time.monotonic()
    over.set()
    counter.join()
    # The lock is also free a little before and after the run proper: look at its middle.
    quarter = (end - begin) / 4
    assert sum(begin + quarter < tick < end - quarter for tick in ticks) >= 5


def test_runs_in_threads_are_the_same_as_alone(four, minute):
    alone = {minute.seed: minute.digest, 11: orrery.run(four, 11, {"until": "60s"}).digest}
    found = {}

    def run(seed):
        found[seed] = orrery.run(four, seed, {"until": "60s"}).digest

    threads = [threading.Thread(target=run, args=[seed]) for seed in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


def test_progress_is_told_and_its_exceptions_come_back(four):
    told = []
    run = orrery.run(four, progress=lambda *args: told.append(args))
    assert told and all(0 <= done <= total == 600.0 for done, total, _ in told)
    assert [events for _, _, events in told] == sorted(events for _, _, events in told)
    assert told[-1][2] <= run.events

    def fail(done, total, events):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        orrery.run(four, set={"until": "1000h"}, progress=fail)


def test_a_saved_run_is_a_run_directory(four, tmp_path):
    run = orrery.run(four, set={"until": "40s"}, out=tmp_path / "new" / "run")
    saved = {path.name for path in (tmp_path / "new" / "run").iterdir()}
    assert saved >= {"manifest.json", "record.json", "ledger.csv", "report.html", "replay.json",
                     "scenario.yaml", "scenario.lock.json"}
    manifest = json.loads((tmp_path / "new" / "run" / "manifest.json").read_text())
    assert manifest["digest"] == run.digest and manifest["rows"]["ledger"] == len(run.ledger)
    assert (tmp_path / "new" / "run" / "scenario.yaml").read_bytes() == four.read_bytes()


def test_a_folder_that_cannot_be_made_is_known_before_the_run(four, tmp_path):
    (tmp_path / "file").write_text("in the way")
    told = []
    with pytest.raises(OSError, match="file"):
        orrery.run(four, out=tmp_path / "file" / "run", progress=lambda *args: told.append(args))
    assert not told


def test_a_report_is_one_page(minute, tmp_path):
    minute.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.lstrip().lower().startswith("<!doctype html") and minute.digest in page
    with pytest.raises(OSError, match="missing"):
        minute.report(tmp_path / "missing" / "report.html")


def test_the_command_replays_a_saved_run(command, four, tmp_path):
    run = orrery.run(four, 5, {"groups.workers.count": 3}, until=30, out=tmp_path / "run")
    done = subprocess.run([command, "replay", tmp_path / "run", "--json"], text=True,
                          stdout=subprocess.PIPE, check=True)
    replayed = json.loads(done.stdout)
    assert replayed["equal"] and replayed["digest"] == run.digest


def test_the_command_runs_what_a_run_says(command, four, tmp_path):
    run = orrery.run(four, 5, {"groups.workers.count": 3}, until=30)
    words = run.command.split()
    assert words[:2] == ["harness/orrery", "run"]
    done = subprocess.run([command, *words[1:], "--json", "--out", tmp_path / "run"], text=True,
                          stdout=subprocess.PIPE, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == run.exit
    assert json.loads(done.stdout)["digest"] == run.digest
