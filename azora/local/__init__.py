"""The embedded cluster: how a machine without one gets a real Kubernetes node. Only the command line imports it."""
