"""Live networks for as long as a block of Python lasts."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any, Iterator, Mapping, Optional

from . import _orrery, _text
from ._client import Client, Path, connect


class CommandError(RuntimeError):
    """The command `orrery` ended badly: `code` is its exit code, the message what it said."""

    def __init__(self, words: list[str], code: int, said: str):
        super().__init__(f"orrery {words[0]}: exit {code}\n{said.strip()}")
        self.words = words
        self.code = code


@contextlib.contextmanager
def up(file: Path, home: Optional[Path] = None, set: Optional[Mapping[str, Any]] = None,
       seed: Optional[int] = None, wait: str = "final", timeout: str = "60s",
       timeline: bool = True, load: bool = True, keep: Optional[bool] = None,
       node: Optional[str] = None) -> Iterator[Client]:
    """Brings a scenario up as real processes and takes it down when the block ends.

        with orrery.up("scenarios/library/baseline/live.yaml") as net:
            print(net.chat("What is a block?").proof)

    home: folder for disks, logs and flight logs; a temporary one if left out.
    set, seed: as for orrery.run.
    wait: "final" (every node has a final block), "ready" or "none"; at most `timeout` long.
    timeline, load: whether the scenario's faults happen, and whether its users ask.
    keep: whether the home stays; by default a given one does, a temporary one does not.
    node: which node the client asks; the first user if left out.

    Raises CommandError if the network does not come up (2: the scenario is wrong, 3: this machine
    cannot, 4: not in time, 6: a node failed), after taking down what did, and FileNotFoundError if
    the command is not built.
    """
    program = _program()
    folder = tempfile.mkdtemp(prefix="orrery-") if home is None else None
    place = pathlib.Path(folder, "home") if folder else pathlib.Path(home).absolute()
    staying = home is not None if keep is None else keep
    words = ["up", os.path.abspath(file), "--home", str(place), "--wait", wait,
             "--timeout", timeout, "--json"]
    words += [] if timeline else ["--no-timeline"]
    words += [] if load else ["--no-load"]
    words += [] if seed is None else ["--seed", str(seed)]
    for key, value in (set or {}).items():
        words += ["--set", f"{key}={_text.scenario_value(value)}"]
    try:
        if (place / "config" / "network.json").exists():
            raise FileExistsError(f"{place}: a network lives there; orrery down removes it")
        try:
            _run(program, words, folder)
            yield connect(place, node=node)
        finally:
            if (place / "config" / "network.json").exists():
                _run(program, ["down", "--home", str(place)] + ["--keep"] * staying, folder)
    finally:
        if folder and not staying:
            shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, words: list[str], folder: Optional[str]) -> Any:
    """In `folder`, because up leaves a link to the newest home in the folder where it runs."""
    done = subprocess.run([program, *words], cwd=folder, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "NO_COLOR": "1"})
    if done.returncode != 0:
        raise CommandError(words, done.returncode, done.stderr)
    return json.loads(done.stdout) if done.stdout.strip() else None


def _program() -> str:
    """The command of the build that this package is of, else the one on PATH."""
    built = pathlib.Path(_orrery.__file__).parents[2] / "cli" / "orrery"
    found = str(built) if built.exists() else shutil.which("orrery")
    if found is None:
        raise FileNotFoundError(f"the command orrery is neither at {built} nor on PATH")
    return found
