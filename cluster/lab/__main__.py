"""`python -m cluster.lab`, which `utmcli lab` becomes."""

from __future__ import annotations

from cluster.lab.commands import lab

lab(prog_name="utmcli lab")
