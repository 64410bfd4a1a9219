"""Azora: what a release is, and how it becomes what users reach."""
