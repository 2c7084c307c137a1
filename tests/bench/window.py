"""How the list of calls behaves with 100,000 rows: `python -m tests.bench.window [CALLS]`.

Builds a vault of so many calls without analysis (a real one; the rows are written straight into its
tables, which takes seconds instead of hours), opens the window offscreen and measures what a person
would feel: the first row, a sort, a filter, and the longest time for which the window did not
answer while the scroll bar was dragged from top to bottom.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer

from app import config
from app.bootstrap import Folders, Program, resources
from app.domain import CallOrder
from app.ui.application import Session, qt_application
from app.ui.call_table import SCORE
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication


_BEAT_MS = 5


class Pulse:
    """A timer that notices how long the window did not answer."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(interval=_BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1000 - _BEAT_MS)
        self._last = now

    def start(self) -> None:
        """Begin to count."""
        self.gaps.clear()
        self._last = time.perf_counter()

    def said(self) -> str:
        """Return the median and the longest time without an answer."""
        late = sorted(self.gaps)
        return (
            f"late by {statistics.median(late):5.1f} ms in the median, {late[-1]:6.1f} ms at most"
        )


_COLUMNS = (
    *("id", "digest", "source_name", "size_bytes", "imported_at", "started_at", "started", "agent"),
    *("queue", "direction", "channel_roles", "duration_ms", "channels", "sentiment", "score"),
    *("severity", "state", "place", "queued_at"),
)


def fill(folder: Path, calls: int) -> None:
    """Make a vault with so many lines in its list; one call in five has a flag."""
    opened = scenes.new_vault(folder)
    chance = random.Random(3)
    marks = ", ".join("?" for _ in _COLUMNS)
    with opened._database.transaction() as writing:
        writing.many(
            f"INSERT INTO calls ({', '.join(_COLUMNS)}) VALUES ({marks})",
            (_line(number, chance) for number in range(calls)),
        )
        writing.many(
            "INSERT INTO flags SELECT number, 0, 'complaint', 'Complaint', 2 FROM calls"
            " WHERE severity = ?",
            [(2,)],
        )
    opened.close()


def _line(number: int, chance: random.Random) -> tuple[str | int | float, ...]:
    day = (
        f"2026-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00+00:00"
    )
    return (
        *(f"{number:032x}", f"{number:064x}", f"REC-{number:06}.wav", 1000, day, day, day),
        *(f"Agent {number % 40}", f"Queue {number % 7}", "inbound", "[]"),
        *(chance.randrange(20_000, 2_000_000), 2, chance.uniform(-1, 1), chance.randrange(0, 101)),
        *(2 if chance.random() < 0.2 else 0, "done", number, day),
    )


class Bench:
    """The window over the large vault."""

    def __init__(self, application: QApplication, data: Path) -> None:
        self.application = application
        folders = Folders(
            resources=resources(),
            data=data,
            settings_file=data / "settings" / "settings.toml",
            log_file=data / "log",
        )
        self.session = Session(
            Program(settings=config.Settings(), folders=folders), application, theme="light"
        )
        self.page = self.session.window.calls
        self.pulse = Pulse()
        self.session.window.show()
        self.session.begin()
        self._until(self.session.unlock.isVisible)
        self.session.unlock.unlocked.emit(scenes.PASSPHRASE, False)
        self._until(self.session.window.main.isVisible)

    def _until(self, condition: Callable[[], object]) -> None:
        deadline = QDeadlineTimer(60_000)
        while not condition():
            self.application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 10)
            if deadline.hasExpired():
                raise TimeoutError

    def timed(self, name: str, act: Callable[[], object], done: Callable[[], object]) -> None:
        """Do something as a person does, wait until it is seen, and print how long that took."""
        self.pulse.start()
        start = time.perf_counter()
        act()
        self._until(done)
        took = (time.perf_counter() - start) * 1000
        self._until(lambda: self.pulse.gaps)
        sys.stdout.write(f"{name:<46}{took:9.1f} ms   {self.pulse.said()}\n")

    def measure(self) -> None:
        """Measure what a person feels."""
        model, page = self.page.model, self.page
        bar = page.table.verticalScrollBar()

        def shown() -> bool:
            first = page.table.rowAt(0)
            self.page.table.viewport().repaint()
            return first >= 0 and model.row(first) is not None

        self.timed("first rows", lambda: None, lambda: model.rowCount() and shown())
        self.timed("to the end", page.table.scrollToBottom, shown)
        for order, column in ((CallOrder.SCORE, SCORE),):
            sort = page.table.sortByColumn
            way = page.table.horizontalHeader().sortIndicatorOrder()
            self.timed(f"sort by {order}", lambda: sort(column, way), shown)  # noqa: B023
        self.timed("flagged only", page.flagged.click, shown)
        self.timed("all again", page.clear_filters, lambda: model.rowCount() > 30_000 and shown())
        steps = iter(range(0, bar.maximum(), max(1, bar.maximum() // 400)))

        def drag() -> bool:
            place = next(steps, None)
            if place is not None:
                bar.setValue(place)
            return place is None

        self.timed("dragged from top to bottom in 400 steps", lambda: None, drag)
        self.timed("rows there after the drag", lambda: None, shown)
        self.timed("wheel, 200 steps", lambda: None, _wheel(bar.value, bar.setValue))
        sys.stdout.write(f"pages kept: {len(model._pages)} of {model.rowCount() // 200}\n")


def _wheel(value: Callable[[], int], set_value: Callable[[int], None]) -> Callable[[], bool]:
    steps = iter(range(200))

    def step() -> bool:
        set_value(value() - 120)
        return next(steps, None) is None

    return step


def main() -> None:
    """Fill, open, measure."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    application = qt_application()
    with tempfile.TemporaryDirectory() as scratch:
        fill(Path(scratch) / "vault", calls)
        bench = Bench(application, Path(scratch))
        bench.measure()
        bench.session.end()


if __name__ == "__main__":
    main()
