"""What this node does: what is in force, and who has the role."""

from __future__ import annotations

from cluster.rpc.messages.base import Ask


class UpdateRule(Ask, frozen=True, tag="update-rule"):
    """`system update rule`: bring the edited rules into force, and nothing else -> Done."""


class UpdateInterface(Ask, frozen=True, tag="update-interface"):
    """Apply addresses, HA, hotwire, cluster on/off and maintenance to the live system -> Done."""


class SetMaintenance(Ask, frozen=True, tag="maintenance"):
    """Persist at once, without `config save`; the role follows with UpdateInterface or at boot -> Done."""

    value: bool


class Switch(Ask, frozen=True, tag="switch"):
    """Hand the role to the partner -> Done."""

    force: bool = False


class Reboot(Ask, frozen=True, tag="reboot"):
    """Orderly: hand over, stop, then restart (or power off) the machine -> Done."""

    power_off: bool = False
