"""The cluster: configuration store, manager, VRRP engine, and what follows the role."""
