"""`python -m azora`."""

from azora.cli import main

main()
