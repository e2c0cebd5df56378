"""Typed requests and replies over a unix socket."""
