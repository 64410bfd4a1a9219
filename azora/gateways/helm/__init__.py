"""Helm, through pyhelm3."""
