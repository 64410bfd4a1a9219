"""Settings file: the differences between machines, as one TOML file named by `AZORA_SETTINGS`.

It holds no secrets.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic_core import ErrorDetails

from azora.config.os_user import expanded
from azora.errors import BadInput

VARIABLE = "AZORA_SETTINGS"
# Files are copied and shown: what is secret is named in them, by the key of a file of its own.
SECRETS = {"notify": "notify_file", "reports_key": "reports_key_file"}
_KNOWN = "docs/configuration.md lists every key"


def settings_file() -> Path | None:
    """Settings file that the environment names; None when it names none.

    The file exists, is TOML and holds no secret.

    Raises:
        BadInput: it cannot be used; with the line where TOML breaks.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    try:
        file = expanded(Path(named))
    except ValueError as error:
        raise _bad(named, str(error), f"write the whole path in {VARIABLE}") from None
    if not file.is_absolute():
        raise _bad(named, "the path is relative", f"write the absolute path in {VARIABLE}: flows run in another folder")
    found = _read(file)
    if secret := next((key for key in SECRETS if key in found), None):
        where, instead = _line_of(file, secret), SECRETS[secret]
        raise _bad(
            named,
            f"{where}{secret}: is a secret",
            f"write the secret to a separate file, and name that file in {instead}",
        )
    return file


def wrong_keys(file: Path, errors: Iterable[ErrorDetails]) -> BadInput:
    """One error for all that pydantic finds wrong in *file*, each with its line and key."""
    known = {"extra_forbidden": "unknown key"}
    lines = [
        f"{_line_of(file, str(one['loc'][0]))}{one['loc'][0]}: {known.get(one['type'], one['msg'])}" for one in errors
    ]
    return _bad(str(file), "; ".join(lines), f"correct it; {_KNOWN}")


def _read(file: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        advice = f"create the file, or correct {VARIABLE}; docs/own-cluster.md has an example"
        raise _bad(str(file), "there is no such file", advice) from None
    except OSError as error:
        advice = f"give the user read access (chmod, chown), or correct {VARIABLE}"
        raise _bad(str(file), str(error.strerror), advice) from None
    except UnicodeDecodeError as error:
        raise _bad(str(file), f"not UTF-8 text: {error.reason}", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise _bad(str(file), f"not TOML: {error}", "correct that line: `key = value`, texts in quotes") from None


def _line_of(file: Path, key: str) -> str:
    """Line where *key* gets its value, or its table begins, as `line 3: `; empty where it is not found."""
    given = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    return next((f"line {number}: " for number, line in lines if given.match(line)), "")


def _bad(file: str, what: str, advice: str) -> BadInput:
    return BadInput(f"could not read the settings file {file!r}: {what}", advice=advice)
