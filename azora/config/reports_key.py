"""Key of the signed links to reports: the value of a setting, or the content of a file."""

from __future__ import annotations

from azora.config.secret_file import secret_in
from azora.config.settings import Settings
from azora.errors import BadInput
from azora.redaction import remember

FEWEST_LETTERS = 32


def reports_key(settings: Settings) -> str:
    """Return the key; empty where neither value nor file is set.

    Raises:
        BadInput: the file cannot be read, or the key is too short to keep links secret.
    """
    key = settings.reports_key.get_secret_value().strip() or _written(settings)
    if key and len(key) < FEWEST_LETTERS:
        raise BadInput(
            f"could not use the key of the reports: it has {len(key)} letters, fewer than {FEWEST_LETTERS}",
            advice="make one with `openssl rand -hex 32`",
        )
    remember(key)
    return key


def _written(settings: Settings) -> str:
    file = settings.reports_key_file or settings.state_folder / "reports-key"
    advice = "correct AZORA_REPORTS_KEY_FILE, and let the process's user read the file"
    optional = settings.reports_key_file is None
    return secret_in(file, "the key of the reports", advice=advice, optional=optional).strip()
