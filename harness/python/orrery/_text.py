"""Python values as text of a scenario file, and problems of a file as values."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
from typing import Any

from . import _orrery


@dataclasses.dataclass(frozen=True)
class Diagnostic:
    """One problem of a scenario file; lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str  # of the key, such as groups.workers.stake; empty for the whole file
    message: str  # what was expected and what came
    hint: str
    text: str = dataclasses.field(repr=False)  # all of it in one line

    def __str__(self) -> str:
        return self.text


def scenario_value(value: Any) -> str:
    """As it would stand in a file; text is taken as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.timedelta):
        return f"{nanoseconds(value)}ns"
    if isinstance(value, (float, decimal.Decimal)):
        return format(decimal.Decimal(str(value)), "f")  # the format knows no exponents
    if hasattr(value, "item"):  # a NumPy scalar
        return scenario_value(value.item())
    return json.dumps(value)


def nanoseconds(duration: Any) -> int:
    """Seconds, a timedelta or text such as "1h30m"."""
    if isinstance(duration, str):
        return _orrery.nanoseconds(duration)
    if isinstance(duration, datetime.timedelta):
        return duration // datetime.timedelta(microseconds=1) * 1000
    return round(decimal.Decimal(str(duration)) * 10**9)
