"""The record of an environment: written with each act, exported and verified."""
