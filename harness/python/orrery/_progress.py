"""One line on stderr that follows a run."""

from __future__ import annotations

import sys
import time


class ProgressLine:
    """Rewrites itself ten times a second on a terminal; elsewhere adds a line every ten seconds."""

    def __init__(self, name: str):
        self._name = name
        self._terminal = sys.stderr.isatty()
        self._start = self._shown = time.monotonic()

    def __call__(self, done: float, total: float, events: int) -> None:
        now = time.monotonic()
        text = (f"{self._name}: {done:,.0f} of {total:,.0f} s of virtual time, "
                f"{events:,} events, {now - self._start:.0f} s")
        if self._terminal:
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
        elif now - self._shown >= 10:
            self._shown = now
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
