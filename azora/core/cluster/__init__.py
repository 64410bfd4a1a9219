"""The state of an environment, read from Kubernetes objects and the record."""
