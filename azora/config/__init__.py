"""Typed files and variables: what differs between machines, environments and applications."""
