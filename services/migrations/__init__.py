"""The database's schema, revision by revision; `python -m migrations` brings a database to the newest."""
