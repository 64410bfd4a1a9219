"""The pure core: no I/O, no clock, no environment variable, no foreign client."""
