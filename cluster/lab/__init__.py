"""Two appliances, a client and a router on one machine, out of namespaces."""
