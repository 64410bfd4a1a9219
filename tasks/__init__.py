"""Retryable steps: a retry policy, a log line, one call. No decisions."""
