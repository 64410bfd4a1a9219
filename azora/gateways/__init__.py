"""The only modules that talk to something outside this process."""
