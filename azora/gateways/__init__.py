"""The only code that talks to another system; no package here imports another one."""
