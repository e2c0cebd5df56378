"""The four kinds of points. Pure."""

from __future__ import annotations

from cluster.rpc.messages import CheckPoint


def passed(check: str, finding: str) -> CheckPoint:
    """As it should be."""
    return CheckPoint(check, "passed", finding)


def failed(check: str, finding: str, advice: str) -> CheckPoint:
    """A requirement is not met, and what to do."""
    return CheckPoint(check, "failed", finding, advice)


def note(check: str, finding: str, advice: str) -> CheckPoint:
    """Allowed, with consequences that are good to know."""
    return CheckPoint(check, "note", finding, advice)


def unknown(check: str, finding: str, advice: str) -> CheckPoint:
    """Cannot be judged now, and what has to be done before."""
    return CheckPoint(check, "unknown", finding, advice)
