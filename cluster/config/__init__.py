"""The configuration: its schema, what differs, what crosses to the partner, where it is kept."""
