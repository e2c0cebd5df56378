"""How the manager and the engine speak: a configuration file, a state page, and a control socket.

All three live in the run directory, so that either side can die and find the other again:

``engine.json``   written by the manager (atomically, mode 0600), read by the engine at start and on
                  ``reload``. An engine started anew needs nobody's help to resume::

    {"version": 1, "enabled": true, "priority": "high", "maintenance": false,
     "advert_interval": 25, "trigger_delay": 2, "resync": false,
     "authentication": {"mode": "none" | "simple" | "hmac", "policy": "enforce" | "permissive" | "receive-only",
                        "keys": [{"id": 1, "secret": "hex:00..1f" | "passphrase" }], "send_key": 1,
                        "freshness": null | seconds},
     "interfaces": [{"name": "LAN2", "vrid": 2, "addresses": ["192.168.200.1/24"], "watch": ["192.0.2.1"]}]}

                  Only ``version`` is required, and ``name``, ``vrid`` and ``addresses`` of an interface;
                  unknown keys are ignored. ``resync``: somebody will send ``resynchronised``; without it no
                  preemption waits. Mode ``simple`` is VRRPv2: the password is the secret of ``send_key``.

``engine.page``   a shared memory page (see page.py): heartbeat, pid, role, time of the last advert, sequence
                  of the authentication. Writing it is no system call; it survives kill -9.
``engine.sock``   SOCK_SEQPACKET, one JSON object per packet, mode 0600.

Requests, each answered by one packet ``{"re": <do>, ...}``, or ``{"re": .., "error": "..", "details": [..]}`` when
refused::

    {"do": "status"}                    -> {"re": "status", "status": {...}}      see status.py
    {"do": "reload"}                    -> {"re": "reload"}                       engine.json was replaced
    {"do": "switch", "force": false}    -> {"re": "switch"} | error               hand the role over
    {"do": "stop"}                      -> {"re": "stop"}                         orderly: hand over, then exit
    {"do": "partner", "role": .., "hears": [..], "links_gone": ..} | {"do": "partner", "role": null}
                                        both may carry "sequence": n, "sources": ["192.168.12.142"]: the last number
                                        it signed with, and its addresses: only greater ones are believed from now
    {"do": "resynchronised"}
    {"do": "capture", "interface": "LAN2", "on": true}                            show this manager every advert

Unasked, to every connected manager, in order::

    {"event": {"at": <unix seconds, float>, "kind": "role" | <Noted.kind>, "interface": "", "text": "...",
               "role": "master", "old": "backup"}}

Unasked, to a manager that asked for it, as long as it reads fast enough::

    {"capture": {"at": <unix seconds, float>, "interface": "LAN2", "sent": false, "frame": "01005e..",
                 "accepted": true, "verdict": "valid", "explained": "", "missed": 0}}

``verdict``: of adverts received and believed ``valid``, ``unsigned`` or ``unchecked`` (no keys here), of others the
reason (reject.py), ``explained`` in a sentence; of adverts sent ``signed`` or ``unsigned``. ``missed``: how many
were not shown since the last one. A connection that captures is told of no events.

``{"do": "sockets"}``: this connection keeps duplicates of the engine's packet sockets. It is told of no events, but
gets, at once and whenever one was opened, all of them with a packet ``{"sockets": n}`` (SCM_RIGHTS, at most 60). An
engine that is started with ``--sockets n`` finds them as descriptors 3, 4 and so on, and goes on with them; one
that was waiting (cluster/heir.py) gets them with the word to start.

Events of the last hour are kept by the engine (at most 256) and sent first to a manager that connects, so that
nothing that happened while the manager was away is lost; each carries a number ``"n"``, which goes on
counting when a killed engine is started again. Kinds besides those of the election: ``role``, ``advert-dropped``,
``addresses-differ``, ``address-removed``, ``interface-missing``, ``state``.

The engine ends with exit code 0 after an orderly stop (request ``stop``, SIGTERM, SIGINT), 1 when it cannot run,
2 for wrong arguments, 3 when another engine runs in its network namespace. SIGHUP is ``reload``.
"""

from __future__ import annotations

CONFIG_FILE = "engine.json"
PAGE_FILE = "engine.page"
SOCKET_FILE = "engine.sock"
SOCKETS_OPTION = "--sockets"
ANOTHER_RUNS = 3
"""Exit code of an engine that found another one."""
MAX_HANDLES = 60
MAX_PACKET = 192 * 1024
"""Longest control packet, bytes; 60 interfaces with all their counters stay below."""
