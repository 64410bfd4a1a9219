"""Report server: files of the runs, links to them, and the trace viewer."""
