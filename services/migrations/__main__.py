"""Bring the database to the newest revision; safe to repeat and to run twice at once."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from common import logs
from common.settings import DatabaseSettings, ServiceSettings

log = logging.getLogger("migrations")


def configuration(database_url: str, folder: Path = Path(__file__).parent, *, table_wait: str = "5s") -> Config:
    """Alembic's configuration for the revisions of *folder* and the database at *database_url*.

    *table_wait* is how long a migration waits for a table that users hold, as PostgreSQL writes it.
    """
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["database_url"] = database_url
    config.attributes["table_wait"] = table_wait
    return config


def main() -> int:
    """Migrate the database to this release; exit code 1 when nothing was changed.

    The last line of the log has the reason, for a reader who sees no more of it.
    """
    logs.configure("migrations", ServiceSettings())
    try:
        command.upgrade(configuration(DatabaseSettings().database_url.get_secret_value()), "head")
    except (CommandError, SQLAlchemyError) as error:
        log.exception("the migration failed and changed nothing: %s", reason(error))  # noqa: TRY401 - in a line
        return 1
    log.info("the database has everything of this release")
    return 0


def reason(error: Exception) -> str:
    """Reason for *error* in one line: PostgreSQL's own words without the statement."""
    said = str(error.orig if isinstance(error, DBAPIError) and error.orig else error)
    return " ".join(said.split())


if __name__ == "__main__":
    sys.exit(main())
