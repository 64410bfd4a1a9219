"""A team's values files: read as Helm reads them, or refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.errors import BadInput
from azora.gateways.helm.manifests import read_objects
from azora.gateways.helm.values_files import read_values
from tests.support.rendering import helm_program

SCALARS = """\
2023-10-16, 2023-10-16T10:00:00Z, 22:00, 12:30, 1:2, 190:20:30, 1e5, 1.5e3, 1E3, 1e400, 010, 08, 0o644, 0123, -010, 1_000, 1__0, 0x1F,
-0x1F, 0b11, +1, -0, 1., .5, -.5, ., +, 1.10, 12345678901234567890, 99999999999999999999, 9007199254740993, yes, Yes, YES, yEs, y, N, on,
Off, true, TRUE, tRue, ~, null, Null, nULL, =, <, 1.2.3, 1a, 0x, 0xg, 0b2, v1.0, 10m, 1Gi, 50%, 1.13, "22:00", '010', !!str 010, ==, 1e, 1e+,
+1e+2, 0.0, 00, 1_, 07_7, 0o8
"""


def read(folder: Path, *contents: bytes) -> dict[str, object]:
    """Values of files with these contents, the later laid over the earlier."""
    names = ["common", "staging"][: len(contents)]
    for name, content in zip(names, contents, strict=True):
        (folder / f"{name}.yaml").write_bytes(content)
    return read_values(folder, names, helm=helm_program())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The values of the chart `web`."""
    made = tmp_path / "web"
    made.mkdir()
    return made


def test_scalars(folder: Path) -> None:
    """Dates, times, odd numbers and words are the same to Azora, in values and in manifests, as to Helm."""
    written = SCALARS.replace("\n", " ").split(", ")
    text = "".join(f"k{number}: {scalar}\n" for number, scalar in enumerate(map(str.strip, written)))
    by_helm = read(folder, text.encode())
    (by_us,) = read_objects(text)
    differ = {written[int(key[1:])]: (by_us[key], value) for key, value in by_helm.items() if by_us[key] != value}
    assert {
        scalar for scalar, (ours, helms) in differ.items() if float(ours) != float(helms)
    } == set()  # Helm's have 53 bits
    assert by_helm["k0"] == "2023-10-16"
    assert by_helm["k2"] == "22:00"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1: a\ntrue: b\n1.5: c\n", id="keys that are no text"),
        pytest.param("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", id="merge key"),
        pytest.param("a: 1\na: 2\n", id="key twice"),
        pytest.param("a: |\n  x\n  y\nb: >-\n  x\n  y\n", id="blocks"),
        pytest.param("a: {b: , c: null}\n", id="nothing"),
        pytest.param('a: "\\u00e4\\t\\x41"\n', id="escapes"),
        pytest.param("a: !Sub '${x}'\nb: !Ref 010\nc: !x [1, !y {d: 010}]\n", id="tags of others"),
        pytest.param(
            "a: !!binary aGk=\nb: !!timestamp 2020-01-01\nc: !!set {d, e}\nf: !!omap [g: 1]\n", id="tags of YAML"
        ),
        pytest.param("a: !!int '012'\nb: !!float '1e3'\nc: !!bool yes\nd: !!null ''\n", id="tags of scalars"),
    ],
)
def test_structures(folder: Path, text: str) -> None:
    """So are keys, merges and blocks."""
    assert read_objects(text) == [read(folder, text.encode())]


@pytest.mark.parametrize(
    ("contents", "values"),
    [
        pytest.param([b"a: {b: 1, c: 2}", b"a: {b: null}\nd: null"], {"a": {"b": None, "c": 2}, "d": None}, id="null stays"),
        pytest.param([b"\xef\xbb\xbfa: 1"], {"a": 1}, id="byte order mark"),
        pytest.param([b"a: 1\r\nb: 2\r\n"], {"a": 1, "b": 2}, id="Windows"),
        pytest.param([b"", b"# nothing\n"], {}, id="empty"),
        pytest.param([b"a: 1\n---\nb: 2\n"], {"a": 1, "b": 2}, id="two documents"),
        pytest.param([b"a: '{{ .Release.Name }}, x'"], {"a": "{{ .Release.Name }}, x"}, id="template"),
        pytest.param([b"a: " + b"x" * 3_000_000], {"a": "x" * 3_000_000}, id="three megabytes"),
        pytest.param(["a: \U0001f600<&>".encode()], {"a": "\U0001f600<&>"}, id="odd letters"),
        pytest.param([b"metadata: shop\nkind: {a: b}"], {"metadata": "shop", "kind": {"a": "b"}}, id="keys of objects"),
        pytest.param([b"kind: List\nitems: [1]"], {"kind": "List", "items": [1]}, id="keys of a list"),
        pytest.param([b"metadata: {annotations: {helm.sh/hook: test}}"], {"metadata": {"annotations": {"helm.sh/hook": "test"}}}, id="hook"),
        pytest.param([rb'a: "\x7f\x01\u2028\ufeff"'], {"a": "\x7f\x01\u2028\ufeff"}, id="control characters"),
    ],
)  # fmt: skip
def test_files(folder: Path, contents: list[bytes], values: dict[str, object]) -> None:
    """Encodings, sizes and layers are those of `helm install --values`."""
    assert read(folder, *contents) == values


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"a: 1\nb: [1\n", "'web/common.yaml': line 2:", id="bracket that is not closed"),
        pytest.param(b"a: 1\n\tb: 2\n", "line 2: found a tab character", id="tabulator"),
        pytest.param(b"- 1\n", "it contains no keys but a array", id="list"),
        pytest.param(b"text", "it contains no keys but a string", id="text"),
        pytest.param(b"a: \xe9", "incomplete UTF-8", id="Latin-1"),
        pytest.param("a: ä".encode("utf-16"), "incomplete UTF-16", id="UTF-16"),
        pytest.param(b"a: *x", "unknown anchor 'x'", id="anchor"),
        pytest.param(b"a: .inf", "+Inf", id="infinite"),
    ],
)
def test_file_that_helm_cannot_read(folder: Path, content: bytes, says: str) -> None:
    """The error names the file, and the line where Helm does."""
    with pytest.raises(BadInput) as refused:
        read(folder, content)
    assert says in refused.value.message
    assert "web/common.yaml" in refused.value.message
    assert str(folder) not in refused.value.message


@pytest.mark.parametrize("name", ["staging.yml", "Staging.yaml", "staging.json", "STAGING.YAML"])
def test_file_that_would_be_ignored(folder: Path, name: str) -> None:
    """A file of another suffix or case is refused by name."""
    (folder / name).write_text("a: 1")
    with pytest.raises(BadInput, match=f"could not use the values 'web/{name}': Azora reads staging.yaml"):
        read_values(folder, ["common", "staging"], helm=helm_program())
