"""Key of the signed links to reports: the value of a setting, or the content of a file."""

from __future__ import annotations

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
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        if settings.reports_key_file is None:
            return ""
        said = "there is no such file"
    except (OSError, UnicodeDecodeError) as error:
        said = str(error.strerror) if isinstance(error, OSError) else "not a text file"
    raise BadInput(
        f"could not read the key of the reports in {str(file)!r}: {said}",
        advice="correct AZORA_REPORTS_KEY_FILE, and let the process's user read the file",
    )
