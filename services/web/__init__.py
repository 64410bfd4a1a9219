"""The pages people see, and the edge: `/api/…` goes through to `api`."""
