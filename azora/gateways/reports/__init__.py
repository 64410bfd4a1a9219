"""The report server, from a worker on another machine."""
