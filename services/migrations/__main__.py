"""Bring the database to the newest revision; safe to repeat and to run twice at once."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config

from common import logs
from common.settings import DatabaseSettings, ServiceSettings


def configuration(database_url: str) -> Config:
    """Alembic's configuration for this folder and the database at *database_url*."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database_url"] = database_url
    return config


def main() -> None:
    logs.configure("migrations", ServiceSettings())
    command.upgrade(configuration(DatabaseSettings().database_url.get_secret_value()), "head")
    logging.getLogger("migrations").info("the database is at the newest revision")


if __name__ == "__main__":
    main()
