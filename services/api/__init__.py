"""The gateway: one address for the siblings' APIs, and the health of the whole stack."""
