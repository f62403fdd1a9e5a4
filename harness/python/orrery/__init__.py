"""Runs decentralized-AI networks, written down as scenario files: inside this process, or live.

    >>> import orrery
    >>> run = orrery.run("scenarios/quickstart.yaml", seed=7, set={"until": "10m"})
    >>> run.digest                            # the same for the same file, seed and settings
    >>> run.verdicts                          # asserts and invariants, with what decided them
    >>> run.supply["total"]                   # exact: an int of base units
    >>> run.series("height").plot()           # pandas
    >>> run.tasks.groupby("state").size()
    >>> run.report("report.html")

Many seeds at once; a run does not hold the interpreter lock, so threads are enough:

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor() as pool:
    ...     runs = list(pool.map(lambda s: orrery.run("four.yaml", seed=s), range(10)))

A scenario as real processes, and a node of any live network:

    >>> with orrery.up("scenarios/library/baseline/live.yaml") as net:
    ...     answer = net.chat("What is a block?", max_tokens=24)
    ...     net.block(answer.proof["height"])["proofs"], net.blocks(), net.metrics()
    >>> orrery.connect("http://127.0.0.1:4001").chain_info()

Models to train, to ask, and to trace an answer's training texts:

    >>> orrery.model.train("0.3M", "model")
    >>> orrery.attribute(("kiporu has radav ", "kuveno"), "model", keep=5).contributors

Times of runs are virtual seconds from their start, and money is an exact int of base units, unless
a name says otherwise.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
from typing import Any, Callable, Mapping, Optional, Union

import pandas as pd

from . import _orrery, _text, model
from ._attribute import Attribution, attribute
from ._client import Answer, Client, RpcError, Unreachable, connect
from ._orrery import InternalError
from ._progress import ProgressLine
from ._run import Run
from ._up import CommandError, up

__all__ = ["Answer", "Attribution", "Client", "CommandError", "Diagnostic", "InternalError",
           "Interrupted", "RpcError", "Run", "ScenarioError", "Unreachable", "attribute", "check",
           "connect", "load", "metrics", "model", "run", "schema", "up"]

Path = Union[str, "os.PathLike[str]"]
Diagnostic = _text.Diagnostic


class ScenarioError(ValueError):
    """A scenario that cannot run. The message has one line `file:line:column: ...` a problem;
    `diagnostics` holds them as values."""

    def __init__(self, message: str, diagnostics: Optional[list[Diagnostic]] = None):
        super().__init__(message)
        self.diagnostics: list[Diagnostic] = diagnostics or []


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, where `on_interrupt="raise"` was asked for; `run` holds what was simulated so far."""

    def __init__(self, run: Run):
        super().__init__(repr(run))
        self.run = run


def run(path: Path, seed: Optional[int] = None, set: Optional[Mapping[str, Any]] = None,
        until: Any = None, progress: Union[bool, Callable[[float, float, int], Any], None] = None,
        out: Optional[Path] = None, on_interrupt: str = "partial") -> Run:
    """Simulates a scenario file and returns all that it leaves behind.

    seed: in place of the file's; decides every random draw.
    set: dotted keys of the file and their new values: {"chain.consensus.slot": "2s",
        "groups.workers.count": 8}. Text is read as in the file, units included.
    until: stops earlier than the file says; seconds of virtual time, a timedelta or text such as
        "90s". The scenario, and with it its hash, stays the same; the run is then partial. To make
        a shorter scenario, set its key `until` instead.
    progress: True shows one line on stderr; a function is called about ten times a second with
        (virtual seconds done, virtual seconds in all, events executed). What it raises stops the
        run and reaches the caller.
    out: directory to save the run to, as `Run.save` does; made before the run starts.
    on_interrupt: Ctrl-C ends the run early and never loses it. "partial" returns it, with `partial`
        and `interrupted` set; "raise" raises Interrupted, which carries it: for loops over many
        runs. Python delivers Ctrl-C to its main thread only; runs in other threads go on.

    Raises ScenarioError if the scenario is wrong, OSError if `out` cannot be written, InternalError
    if Orrery itself is at fault. A failed assert is a finding, not an exception: see Run.ok.
    """
    if on_interrupt not in ("partial", "raise"):
        raise ValueError(f'on_interrupt: expected "partial" or "raise", got {on_interrupt!r}')
    overrides = _overrides(seed, set)
    until_ns = None if until is None else _text.nanoseconds(until)
    scenario = _load(path, overrides)
    if out is not None:  # before the run: hours of it must not be lost to a wrong path
        _make_writable(out)
    line = ProgressLine(scenario.name) if progress is True else None
    try:
        record, interrupted = _orrery.run(scenario, _command(path, scenario.seed, set, until_ns),
                                          until_ns, line or progress or None)
    except ValueError as error:  # well-formed, but the world refuses to start
        raise ScenarioError(str(error)) from error
    finally:
        if line:
            line.clear()
    done = Run(record, scenario.document, overrides, interrupted)
    if out is not None:
        done.save(out)
    if interrupted and on_interrupt == "raise":
        raise Interrupted(done)
    return done


def check(path: Path, set: Optional[Mapping[str, Any]] = None) -> list[Diagnostic]:
    """What is wrong with a scenario file, with places; an empty list if nothing is."""
    return _try_load(path, _overrides(None, set))[1]


def load(path: Path, seed: Optional[int] = None,
         set: Optional[Mapping[str, Any]] = None) -> dict[str, Any]:
    """The resolved scenario, the value that is hashed: all defaults filled in, nodes expanded,
    integers in base units (nanoseconds, bytes, amounts as text). Raises ScenarioError."""
    return json.loads(_load(path, _overrides(seed, set)).canonical_json)


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of scenario files."""
    return json.loads(_orrery.schema_json())


def metrics() -> pd.DataFrame:
    """Every metric that a run may record: name, unit, kind (gauge or counter), meaning."""
    return pd.DataFrame(_orrery.metrics(), columns=["name", "unit", "kind", "meaning"])


def _overrides(seed: Optional[int], set: Optional[Mapping[str, Any]]) -> list[tuple[str, str]]:
    pairs = [(key, _text.scenario_value(value)) for key, value in (set or {}).items()]
    if seed is not None:
        pairs.append(("seed", _text.scenario_value(seed)))
    return pairs


def _try_load(path: Path, overrides: list[tuple[str, str]]) -> tuple[Any, list[Diagnostic]]:
    scenario, problems = _orrery.load(os.fspath(path), overrides)
    return scenario, [Diagnostic(**problem) for problem in problems]


def _load(path: Path, overrides: list[tuple[str, str]]) -> Any:
    scenario, diagnostics = _try_load(path, overrides)
    if scenario is None:
        raise ScenarioError("\n".join(map(str, diagnostics)), diagnostics)
    return scenario


def _make_writable(directory: Path) -> None:
    os.makedirs(directory, exist_ok=True)
    if not os.access(directory, os.W_OK):
        raise PermissionError(errno.EACCES, "cannot write there", os.fspath(directory))


def _command(path: Path, seed: int, set: Optional[Mapping[str, Any]],
             until_ns: Optional[int]) -> str:
    """What to type to get this very run again."""
    words = ["harness/orrery", "run", os.fspath(path), "--seed", str(seed)]
    for key, value in (set or {}).items():
        words += ["--set", f"{key}={_text.scenario_value(value)}"]
    if until_ns is not None:
        words += ["--until", f"{until_ns}ns"]
    return shlex.join(words)
