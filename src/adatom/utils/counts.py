"""The counts of a flow's jobs, in one line."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta

__all__ = ["JobCounts"]

_WORTH = {"skipped": 1, "waiting": 2, "running": 3, "failed": 4, "done": 5, "left": 6}  # of the parts of the line
_MANY = 100  # jobs or structures; with fewer a rate means little


class JobCounts:
    """Numbers of the jobs that wait, run and have ended.

    Parameters
    ----------
    title
        Name of the flow, at the beginning of the line.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.monotonic()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, name: str, event: str, count: int) -> None:
        """Count an event: this is an observer, as for `adatom.execution.observer.observed`.

        Parameters
        ----------
        name
            Name of the job.
        event, count
            Event, and the number of jobs that it is about.
        """
        with self._lock:
            self._counts[event] += count

    def __str__(self) -> str:
        """Return the line with all that there is to say."""
        return f"{self._title}: {', '.join(self._parts())}"

    def within(self, width: int) -> str:
        """Return the line without the parts that tell least, until it fits.

        Parameters
        ----------
        width
            Number of characters that a line of the terminal has.
        """
        parts = dict(enumerate(self._parts()))
        least = sorted(parts, key=lambda place: max(_WORTH.get(word, 0) for word in parts[place].split()))
        for place in least[:-1]:
            if len(line := f"{self._title}: {', '.join(parts.values())}") <= width:
                return line
            del parts[place]
        [last] = parts.values()
        return line if len(line := f"{self._title}: {last}") <= width else last

    def _parts(self) -> list[str]:
        with self._lock:
            seen = Counter(self._counts)
        ended = seen["done"] + seen["failed"]
        running = max(0, seen["started"] - (ended - seen["cached"]))
        waiting = max(0, seen["added"] - ended - seen["skipped"] - running)
        cached = f" ({seen['cached']} cached)" if seen["cached"] else ""
        shown = [f"{running} running", f"{seen['done']} done{cached}", f"{seen['failed']} failed"]
        shown += [f"{number} {what}" for what, number in (("waiting", waiting), ("skipped", seen["skipped"])) if number]
        took = time.monotonic() - self._start
        shown.append(str(timedelta(seconds=int(took))))
        worked = ended - seen["cached"]
        if seen["added"] >= _MANY and worked:
            shown.append(f"{worked / took:.3g}/s")
            if left := running + waiting:
                hours, seconds = divmod(int(left * took / worked), 3600)
                shown.append(f"{hours}:{seconds // 60:02d}:{seconds % 60:02d} left")
        return shown
