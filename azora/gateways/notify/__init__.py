"""Messages to people and to Grafana."""
