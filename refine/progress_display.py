"""How far something long is, shown on stderr while it runs."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from types import TracebackType

    from refine.record import Progress


class ProgressDisplay:
    """A bar that follows the clock on a terminal, a line a second elsewhere; to be used in a `with`.

    seconds: of the fit, at which the bar is full.
    shown: False shows nothing.
    """

    def __init__(self, seconds: float, shown: bool) -> None:
        self._seconds = seconds
        self._shown = shown
        self._bar: Any = None
        self._next_line = 0.0

    def __enter__(self) -> ProgressDisplay:
        if self._shown and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress, TextColumn

            columns = (_clock_column(), TextColumn("{task.description}", markup=True))
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=8)
            self._bar.start()
            self._task = self._bar.add_task("loading the renderer", total=self._seconds, start=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, progress: Progress) -> None:
        """Shows the best so far: the `on_progress` of `refine.fit`. The first call starts the clock."""
        decibels, numbers = f"{progress.psnr:5.2f} dB", f"{progress.numbers:4d} numbers"
        if self._bar is not None:
            from rich.markup import escape

            if not self._bar.tasks[self._task].started:
                self._bar.start_task(self._task)
            line = f"[bold]{decibels}[/]  [cyan]{numbers}[/]  [dim]{escape(progress.what)}[/]"
            self._bar.update(self._task, description=line)
        elif self._shown and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + 1.0
            typer.echo(f"{progress.seconds:5.1f} s  {decibels}  {numbers}  {progress.what}", err=True)


class CountDisplay:
    """A bar that follows a count on a terminal, a line a second elsewhere; to be used in a `with`.

    total, noun: of what is counted, as in 48 and "pictures".
    """

    def __init__(self, total: int, noun: str) -> None:
        self._total, self._noun = total, noun
        self._bar: Any = None
        self._next_line = time.monotonic() + 1.0

    def __enter__(self) -> CountDisplay:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import MofNCompleteColumn, Progress, TextColumn

            columns = (*Progress.get_default_columns()[1:2], MofNCompleteColumn(), TextColumn(self._noun))
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int) -> None:
        """Shows that so many are done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + 1.0
            typer.echo(f"{done} of {self._total} {self._noun}", err=True)


def _clock_column() -> Any:
    """A column of rich's: a bar, and seconds gone of all. It pulses until its task is started."""
    from rich.progress import ProgressColumn, Task
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    class Clock(ProgressColumn):
        def render(self, task: Task) -> Table:
            gone, total = task.elapsed or 0.0, task.total or 1.0
            bar = ProgressBar(total=total, completed=min(gone, total), width=24, pulse=not task.started)
            grid = Table.grid(padding=(0, 1))
            grid.add_row(bar, Text(f"{min(gone, total):4.1f} of {total:g} s"))
            return grid

    return Clock()
