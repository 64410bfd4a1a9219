"""The Prometheus exporter."""
