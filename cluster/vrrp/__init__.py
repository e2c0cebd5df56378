"""The VRRP engine: a pure core (packet, auth, election) and a thin shell around it (sockets, runtime)."""
