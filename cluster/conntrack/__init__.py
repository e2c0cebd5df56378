"""Connections outlive a takeover: conntrackd, configured, supervised and told of the role.

    settings.py    (p)  what of the configuration concerns it, and conntrackd's own configuration as text
    counters.py    (p)  what `conntrackd -s` prints, as numbers
    resync.py      (p)  when a backup knows the master's connections
    kernel.py           what the kernel needs first
    control.py          one command to the running daemon
    supervisor.py       starts it, adopts it, tells it of the role, and the engine of its resynchronisation

What conntrackd does for us: the master's copy sends every change of an entry of the kernel's connection tracking
over the hotwire, UDP port 3780; the backup's copy puts it straight into its own kernel (`DisableExternalCache`), so
that a takeover has nothing to commit. What we do around it, and why:

on the master   ``-R`` (fill its internal cache from the kernel), then ``-B`` (send all of it): a returning node
                asks for the internal cache, and of connections taken over nothing is in there before.
on the backup   ``-f internal``, after each start of the daemon and after each loss of the role, and whenever
                something is found in there: those are the master's connections, and when their copies expire here
                it would have them deleted there.
"""
