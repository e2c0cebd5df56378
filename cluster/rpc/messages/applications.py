"""Applications: what an administrator starts and stops."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from cluster.observed import ApplicationState
from cluster.rpc.messages.base import Ask

ApplicationVerb = Literal["start", "stop", "restart"]


class GetApplications(Ask, frozen=True, tag="applications"):
    """`appmgmt status` -> Applications."""


class ControlApplication(Ask, frozen=True, tag="application-control"):
    """`appmgmt start`, `stop`, `restart`: at once, and until the role changes -> Done."""

    application: str
    verb: ApplicationVerb


class Applications(Struct, frozen=True, tag="applications"):
    """Answer to GetApplications, by name."""

    applications: tuple[ApplicationState, ...]
