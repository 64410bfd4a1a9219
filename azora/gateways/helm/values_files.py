"""Values files, read by Helm itself.

A date, `22:00`, `1e5` and `010` are what `helm install --values` makes of them.
"""

from __future__ import annotations

import json
import re
import tempfile
from base64 import b64decode
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from azora.config.yaml_file import other_suffix
from azora.core.release.values import Values
from azora.errors import BadInput
from azora.gateways.helm.runner import NO_PLUGINS
from azora.host.child_environment import child_environment
from azora.host.process import run

SECONDS = 60
_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: values\nversion: 1.0.0\n",
    # in Base64: Helm reads what a template renders, with a meaning for `kind` and `metadata`
    "templates/values.yaml": "values: {{ .Values | toJson | b64enc }}",
}
_WHERE = re.compile(
    r"failed to parse \S*/(?P<number>\d+)\.yaml: (cannot unmarshal yaml document: )?(?P<why>.*)", re.DOTALL
)
_NO_MAP = re.compile(r"cannot unmarshal (?P<kind>\w+) into Go value of type map")
_NOISE = re.compile(r"error (converting YAML to JSON|unmarshaling JSON): (yaml: )?")


def read_values(folder: Path, names: Sequence[str], *, helm: str) -> Values:
    """Values of the files `<name>.yaml` in *folder*, the later laid over the earlier, by *helm*.

    Raises:
        BadInput: with file and line, for what Helm cannot read, and for a file of another suffix, which Helm would not be given.
    """
    for name in names:
        if alike := other_suffix(folder, name):
            raise BadInput(
                f"could not use the values {_shown(alike)!r}: Azora reads {name}.yaml",
                advice=f"rename it to {name}.yaml",
            )
    files = [folder / f"{name}.yaml" for name in names]
    there = tuple((_shown(file), file.read_bytes()) for file in files if file.is_file())
    return json.loads(_read(there, helm)) if any(content.strip() for _, content in there) else {}


@lru_cache(maxsize=64)
def _read(files: tuple[tuple[str, bytes], ...], helm: str) -> str:
    """JSON of the values of *files* (how each is called, content)."""
    with tempfile.TemporaryDirectory(prefix="azora-values-") as name:
        chart = Path(name)
        (chart / "templates").mkdir()
        for place, text in _CHART.items():
            (chart / place).write_text(text)
        command = [helm, "template", "values", str(chart)]
        for number, (_, content) in enumerate(files):
            (chart / f"{number}.yaml").write_bytes(content)
            command += ["--values", str(chart / f"{number}.yaml")]
        what = f"read the values {', '.join(shown for shown, _ in files)}"
        done = run(command, timeout_seconds=SECONDS, what=what, env=child_environment(**NO_PLUGINS))
    if done.returncode:
        raise _error(what, done.errors, [shown for shown, _ in files])
    return b64decode(done.output.partition("values: ")[2]).decode()


def _error(what: str, said: str, files: Sequence[str]) -> BadInput:
    found = _WHERE.search(said)
    if not found:
        return BadInput(f"could not {what}: {said.strip()}", advice="correct what Helm names")
    why = _NOISE.sub("", found["why"].strip())
    if no_map := _NO_MAP.search(why):
        why = f"it contains no keys but a {no_map['kind']}; write `key: value`"
    return BadInput(f"could not read the values {files[int(found['number'])]!r}: {why}", advice="correct the YAML")


def _shown(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"
