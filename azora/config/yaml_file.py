"""Our own YAML files, read by YAML 1.2.

`on`, `22:00` and `2023-10-16` are text; a key that stands twice is an error.
"""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from azora.config.json_object import Json
from azora.errors import BadInput


class _Core(SafeConstructor):
    """Core schema of YAML 1.2: no dates, no `=` and no `<<`.

    https://yaml.org/spec/1.2.2/#103-core-schema
    """


for _kind in ("timestamp", "value", "merge"):
    _Core.add_constructor(f"tag:yaml.org,2002:{_kind}", SafeConstructor.construct_yaml_str)


def read_mapping(file: Path, *, shown: str) -> Json:
    """Keys and values of *file*; an empty file has none. Errors call it *shown*.

    Raises:
        BadInput: with the line, for what is no YAML, not UTF-8, a list or a text, or a second document.
        FileNotFoundError: there is no such file.
    """
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = _Core
    try:
        read = reader.load(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _bad(shown, f"byte {error.start + 1} is no UTF-8", "save the file as UTF-8") from None
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        what = str(error.problem or error.context).replace("but found another", "it has a second")
        raise _bad(shown, f"{line}{what}", "correct the YAML") from None
    except ReaderError as error:
        raise _bad(shown, f"character #x{error.character:04x} at position {error.position + 1}", "remove it") from None
    except (YAMLError, ValueError) as error:
        raise _bad(shown, " ".join(str(error).split()), "correct the YAML") from None
    if read is None:
        return {}
    if not isinstance(read, dict):
        raise _bad(shown, f"it contains no keys but {read!r:.60}", "write `key: value`")
    return {str(key): value for key, value in read.items()}


def other_suffix(folder: Path, name: str) -> Path | None:
    """Find a file called like `<name>.yaml` but for its suffix or the case of its letters."""
    wanted = f"{name}.yaml"
    alike = {wanted.lower(), f"{name}.yml".lower(), f"{name}.json".lower()}
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((one for one in found if one.name != wanted and one.name.lower() in alike), None)


def _bad(shown: str, why: str, advice: str) -> BadInput:
    return BadInput(f"could not read {shown}: {why}", advice=advice)
