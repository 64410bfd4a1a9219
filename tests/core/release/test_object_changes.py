"""Changes of objects as an approver reads them."""

from __future__ import annotations

from typing import Any

import pytest

from azora.config.json_object import Json
from azora.core.release import object_changes
from azora.core.release.object_changes import bounded, changes_of, differ_by_color, restarted
from azora.core.release.rendered import normal


def thing(name: str, kind: str = "ConfigMap", **more: Any) -> Json:
    return {"kind": kind, "metadata": {"name": name}, **more}


def pods(name: str, image: str, kind: str = "StatefulSet", replicas: int = 1, checksum: str = "1") -> Json:
    template = {"metadata": {"annotations": {"checksum/x": checksum}}, "spec": {"image": image}}
    return thing(name, kind, spec={"replicas": replicas, "template": template})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param([thing("a")], [thing("a")], {}, id="the same"),
        pytest.param([], [thing("a")], {"ConfigMap a": "added"}, id="added"),
        pytest.param([thing("a")], [], {"ConfigMap a": "removed"}, id="removed"),
        pytest.param([thing("a", data={"x": 1})], [thing("a", data={"x": 2})], {"ConfigMap a": "changed"}, id="changed"),
        pytest.param([thing("a")], [thing("a", "Role")], {"ConfigMap a": "removed", "Role a": "added"}, id="its kind"),
        pytest.param([pods("a", "i", replicas=1)], [pods("a", "i", replicas=3, checksum="2")], {}, id="noise"),
        pytest.param([thing("old-web", note="old")], [thing("new-web", note="new")], {}, id="a label that is expected"),
    ],
)  # fmt: skip
def test_changed_objects(before: list[Json], after: list[Json], expected: dict[str, str]) -> None:
    """Each object that differs is named with how it differs; replicas, checksums and expected labels play no part."""
    assert {one.name: one.how for one in changes_of(before, after, {"old": "new"})} == expected


def test_lines_of_a_change() -> None:
    """The difference is unified, and a value of a Secret occurs in none of its lines."""
    login = thing("login", "Secret", stringData={"password": "tiger-9-tiger"})
    before = thing("a", data={"url": "http://tiger-9-tiger@db", "x": "1"})
    after = thing("a", data={"url": "http://tiger-9-tiger@db", "x": "2"})
    (change,) = changes_of([login, before], [login, after])
    assert change.lines == (
        "@@ -1,6 +1,6 @@",
        " data:",
        "   url: http://***@db",
        "-  x: '1'",
        "+  x: '2'",
        " kind: ConfigMap",
        " metadata:",
        "   name: a",
    )
    assert (change.count("+"), change.count("-")) == (1, 1)


def test_length_of_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object has a limit of lines, each line of letters, all objects together another one; names always stay."""
    many = {f"k{number:03}": "v" * 2000 for number in range(500)}
    (change,) = changes_of([], [thing("a", data=many)])
    assert (len(change.lines), change.left_out) == (400, 105)
    assert change.lines[2].endswith("v… (1009 more letters)")
    first, second = bounded([change, change], room=500)
    assert (len(second.lines), second.left_out, first) == (100, 405, change)
    monkeypatch.setattr(object_changes, "COMPARED_LINES", 100)
    (large,) = changes_of([], [thing("a", data=many)])
    assert (large.lines, large.left_out) == ((), 504)


def test_restarted_workloads() -> None:
    """Pods are replaced where their template changes, if only by a checksum; what is new replaces none."""
    before = [pods("db", "a"), pods("cache", "a"), pods("same", "a"), thing("x")]
    after = [pods("db", "b"), pods("cache", "a", checksum="2"), pods("same", "a", replicas=2), pods("new", "a")]
    assert restarted(before, after) == ("StatefulSet cache", "StatefulSet db")


def test_other_color() -> None:
    """Renderings of the two colors are the same but for the color's name."""
    blue = normal([thing("web-blue", data={"color": "blue", "bluegreen": "1"}), thing("x", data={"a": "1"})])
    green = normal([thing("web-green", data={"color": "green", "bluegreen": "1"}), thing("x", data={"a": "2"})])
    assert differ_by_color(blue, green) == ("ConfigMap x",)
