"""The application's Git repository."""
