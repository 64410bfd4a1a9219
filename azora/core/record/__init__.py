"""The record of an environment: a hash-chained log of requests, answers, switches and receipts."""
