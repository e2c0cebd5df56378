"""The manager's side of the VRRP engine: its settings, its control socket, its heartbeat, its supervision."""
