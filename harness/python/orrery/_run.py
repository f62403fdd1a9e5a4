"""A finished run: plain figures, lazily made pandas frames, files."""

from __future__ import annotations

import functools
import html
import json
import os
from typing import Any

import pandas as pd

from . import _orrery

# Columns of exact money. They hold Python ints: no integer of NumPy's is wide enough.
_MONEY = frozenset(["stake", "reward_producer", "reward_models", "reward_fund", "reward_treasury",
                    "fees", "escrow", "paid", "amount"])
# Times of what may not have happened; the record says -1, a frame NaN.
_MAYBE = frozenset(["finalized_time_s", "ended_s", "end_s", "first_violation_s"])


class Run:
    """What `orrery.run` returns. Times are virtual seconds from the start, money is an exact int of
    base units (10**-token_decimals of a token). Frames are made when first asked for; columns named
    `*_tokens` are floats for charts, next to the exact column.

    name, about, path, scenario_hash, command    the scenario and how to run it again
    seed, digest         the digest is a fingerprint of every event of the run
    exit, ok             0 and True if nothing failed, 1 if an assert or an invariant did, 130 if
                         interrupted
    partial, interrupted the run ended before the scenario does; because of Ctrl-C
    virtual_seconds, wall_seconds, events        how much was simulated, in which real time
    height, finalized_height                     of the best chain at the end
    task_counts          tasks by state
    supply               pool -> base units at the end, with "total"
    token_symbol, token_decimals
    commit, machine, compiler, version           what the run was made with and on
    """

    def __init__(self, record: Any, document: str, overrides: list[tuple[str, str]],
                 interrupted: bool):
        self._record = record
        self._document = document
        self._overrides = overrides
        values = record.scalars()
        self.name: str = values["scenario_name"]
        self.about: str = values["scenario_about"]
        self.path: str = values["scenario_path"]
        self.scenario_hash: str = values["scenario_hash"]
        self.command: str = values["command"]
        self.seed: int = values["seed"]
        self.digest: str = values["digest"]
        self.exit: int = values["exit"]
        self.partial: bool = values["partial"]
        self.interrupted: bool = interrupted
        self.virtual_seconds: float = values["virtual_seconds"]
        self.wall_seconds: float = values["wall_seconds"]
        self.events: int = values["events"]
        self.height: int = values["height"]
        self.finalized_height: int = values["finalized_height"]
        self.task_counts: dict[str, int] = values["tasks"]
        self.supply: dict[str, int] = {pool: int(amount)
                                       for pool, amount in values["supply"].items()}
        self.token_symbol: str = values["token_symbol"]
        self.token_decimals: int = values["token_decimals"]
        self.commit: str = values["commit"]
        self.machine: str = values["machine"]
        self.compiler: str = values["compiler"]
        self.version: str = values["version"]

    @functools.cached_property
    def metrics(self) -> pd.DataFrame:
        """Samples: time_s, metric, value (units: orrery.metrics())."""
        return self._frame("metrics")

    @functools.cached_property
    def blocks(self) -> pd.DataFrame:
        """The canonical chain, one row a block; finalized_time_s is NaN where it is not final."""
        return self._frame("blocks")

    @functools.cached_property
    def ledger(self) -> pd.DataFrame:
        """Who holds how much: time_s, height, pool, amount, amount_tokens. The amounts of one
        sample add up to the supply, exactly."""
        return self._frame("ledger", tokens=True)

    @functools.cached_property
    def tasks(self) -> pd.DataFrame:
        """Inference tasks with prompt, answer, work and payment; ended_s is NaN while open."""
        return self._frame("task_rows")

    @functools.cached_property
    def nodes(self) -> pd.DataFrame:
        """Nodes at the end; peers are positions in this frame."""
        return self._frame("nodes")

    @functools.cached_property
    def faults(self) -> pd.DataFrame:
        """What the timeline did; end_s is NaN if it lasted to the end."""
        return self._frame("faults")

    @functools.cached_property
    def slashes(self) -> pd.DataFrame:
        """Stakes taken: time_s, height, node, cause, amount, evidence, amount_tokens."""
        return self._frame("slashes", tokens=True)

    @functools.cached_property
    def rewards(self) -> pd.DataFrame:
        """Totals of the run: role, amount, amount_tokens."""
        return self._frame("rewards", tokens=True)

    @functools.cached_property
    def invariants(self) -> pd.DataFrame:
        """name, about, checks, violations, first_violation, first_violation_s."""
        return self._frame("invariants")

    @functools.cached_property
    def asserts(self) -> pd.DataFrame:
        """name, text, ok, decided (False: the run ended before it could be judged), seen (what
        decided it)."""
        return self._frame("asserts")

    @functools.cached_property
    def verdicts(self) -> pd.DataFrame:
        """Asserts and invariants in one: kind, name, ok, decided, text, seen."""
        asserts = self.asserts.assign(kind="assert")
        checked = self.invariants.assign(
            kind="invariant", ok=self.invariants["violations"] == 0, decided=True,
            seen=self.invariants["first_violation"]).rename(columns={"about": "text"})
        columns = ["kind", "name", "ok", "decided", "text", "seen"]
        return pd.concat([asserts[columns], checked[columns]], ignore_index=True)

    @property
    def ok(self) -> bool:
        """No assert and no invariant failed, and nobody interrupted the run."""
        return self.exit == 0

    def series(self, metric: str) -> pd.Series:
        """One metric over time_s. KeyError if the run did not record it."""
        rows = self.metrics[self.metrics["metric"] == metric]
        if rows.empty:
            known = ", ".join(sorted(self.metrics["metric"].unique()))
            raise KeyError(f"no samples of {metric}; recorded: {known}")
        return rows.set_index("time_s")["value"].rename(metric)

    def figure(self, *metrics: str) -> Any:
        """A plotly figure of metrics over virtual time, faults shaded; "ledger" stacks the pools in
        tokens. Needs the package plotly."""
        import plotly.graph_objects as go
        figure = go.Figure(layout={"title": f"{self.name}, seed {self.seed}",
                                   "xaxis_title": "virtual time (s)", "showlegend": True})
        for metric in metrics or ("height", "finalized_height"):
            if metric == "ledger":
                for pool, rows in self.ledger.groupby("pool", sort=False):
                    figure.add_scatter(x=rows["time_s"], y=rows["amount_tokens"], name=pool,
                                       stackgroup="ledger")
            else:
                values = self.series(metric)
                figure.add_scatter(x=values.index, y=values, name=metric)
        for fault in self.faults.itertuples():
            end = self.virtual_seconds if pd.isna(fault.end_s) else fault.end_s
            figure.add_vrect(x0=fault.begin_s, x1=end, opacity=0.15, line_width=0,
                             fillcolor="red", annotation_text=fault.name)
        return figure

    def summary(self) -> dict[str, Any]:
        """What the command `orrery run --json` prints."""
        return json.loads(self._record.summary_json())

    def report(self, path: "str | os.PathLike[str]") -> None:
        """Writes one HTML page that needs nothing else. OSError if it cannot."""
        _orrery.write_file(os.fspath(path), self._record.render())

    def save(self, directory: "str | os.PathLike[str]") -> None:
        """Writes a run directory: scenario, record, CSV tables, report.html and what the command
        `orrery replay` needs. Made if missing; OSError if it cannot be."""
        directory = os.fspath(directory)
        os.makedirs(directory, exist_ok=True)
        replay = {"schema": "orrery.replay/1", "document": json.loads(self._document),
                  "set": self._overrides, "until_ns": round(self.virtual_seconds * 1e9),
                  "digest": self.digest}
        _orrery.write_file(os.path.join(directory, "replay.json"),
                           json.dumps(replay, indent=1) + "\n")
        self.report(os.path.join(directory, "report.html"))
        self._record.write_directory(directory)  # its manifest comes last: the directory is whole

    def _frame(self, table: str, tokens: bool = False) -> pd.DataFrame:
        columns = self._record.table(table)
        for name, values in columns.items():
            if name in _MONEY:  # an empty text: nothing was ever booked
                values = [int(amount or 0) for amount in values]
            if isinstance(values, list):  # said, because an empty list has no type of its own
                columns[name] = pd.Series(values, dtype=object)
        frame = pd.DataFrame(columns)
        for name in columns.keys() & _MAYBE:
            frame[name] = frame[name].where(frame[name] >= 0)
        if tokens:
            unit = 10**self.token_decimals
            frame["amount_tokens"] = pd.Series([amount / unit for amount in columns["amount"]],
                                               dtype=float)
        return frame

    def _verdict(self) -> str:
        failed = (self.verdicts["decided"] & ~self.verdicts["ok"]).sum()
        if failed:
            return f"{failed} failed"
        return "partial" if self.partial else "all held"

    def __repr__(self) -> str:
        return (f"<orrery.Run {self.name} seed={self.seed} {self._verdict()} "
                f"height={self.height} final={self.finalized_height} digest={self.digest}>")

    def _repr_html_(self) -> str:
        rows = [("seed", self.seed), ("verdict", self._verdict()),
                ("virtual time", f"{self.virtual_seconds:,.0f} s in {self.wall_seconds:.1f} s"),
                ("blocks", f"height {self.height}, final {self.finalized_height}"),
                ("tasks", ", ".join(f"{n} {state}" for state, n in self.task_counts.items())),
                ("digest", self.digest)]
        cells = "".join(f"<tr><th>{key}</th><td>{html.escape(str(value))}</td></tr>"
                        for key, value in rows)
        return f"<table><caption>{html.escape(self.name)}</caption>{cells}</table>"
