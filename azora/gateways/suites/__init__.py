"""Test suites, run by pytest."""
