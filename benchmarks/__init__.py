"""Measurements that are made by hand, each with its target in the Makefile and its table in docs/."""
