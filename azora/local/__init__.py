"""Embedded cluster: a real Kubernetes node for a machine without one; used by the command line alone."""
