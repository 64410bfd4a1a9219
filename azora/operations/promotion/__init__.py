"""The steps of a promotion."""
