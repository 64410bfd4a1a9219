"""This machine: processes, locks, folders, the log file."""
