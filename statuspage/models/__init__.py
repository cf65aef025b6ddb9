"""Tables of the status page."""
