"""Requests at a fixed rate, and their count."""
