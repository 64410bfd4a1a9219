"""The gate: what the cluster's own policies let through; formats that people and the pipeline share."""
