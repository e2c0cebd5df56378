"""What the cluster does to the host: addresses, links, announcements."""
