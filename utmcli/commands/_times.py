"""Instants and durations as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(unix_seconds: float) -> str:
    """An instant in the time of this machine, with milliseconds: takeovers take less than a second."""
    local = datetime.fromtimestamp(unix_seconds, tz=UTC).astimezone()
    return local.isoformat(sep=" ", timespec="milliseconds")


def ago(seconds: float | None) -> str:
    """How long ago something happened; ``never`` for None."""
    if seconds is None:
        return "never"
    return f"{seconds:.2f} s ago" if seconds < 60 else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """A duration as ``12 days 03:04:05``, without the days where there are none."""
    days, rest = divmod(int(seconds), 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days} day{'s' if days > 1 else ''} {clock}" if days else clock
