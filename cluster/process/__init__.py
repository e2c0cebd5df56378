"""Children of the manager: when they are started again, and how."""
