"""Writes to other systems: all go through one seam, which lists those of a promotion."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.config.settings import ROOT
from azora.host.writes import Moment, System, Write, listening, writing, writing_if

LAYERS = ("azora/gateways", "azora/operations", "azora/host", "tasks", "flows")
MODULES = sorted(file for layer in LAYERS for file in (ROOT / layer).rglob("*.py"))

CHANGE_FILES = {
    "write_text", "write_bytes", "unlink", "rename", "rmtree", "touch", "symlink_to", "copytree", "savefig", "chmod", "rmdir",
}  # fmt: skip
CHANGE_BY_HTTP = {"request", "post", "put", "patch", "delete", "call_api"}
CLIENTS = {"client", "httpx", "self._client"}
CHANGE_BY_PREFECT = {"create_markdown_artifact", "create_progress_artifact", "update_progress_artifact", "emit_event"}

# No run goes on from any of these: a process that ends just before or after such a write changes nothing for the next one.
OUTSIDE_THE_SEAM = {
    "scratch": {
        "gateways/git/unpacking.py:_make",  # the draft; its rename is announced
        "gateways/git/unpacking.py:_write",  # likewise
        "gateways/git/unpacking.py:unpack",  # likewise
        "gateways/helm/values_files.py:_read",
        "gateways/images/builder.py:_dockerfile",
        "gateways/images/package_index.py:volumes",
        "gateways/images/registry_login.py:file_for_buildah",
        "gateways/kubernetes/rbac.py:_write",  # the draft; its rename is announced
        "gateways/probe/probe.py:_write",  # likewise
    },
    "reports": {
        "gateways/plot.py:draw",
        "gateways/suites/pytest_runner.py:_configuration",
        "gateways/suites/pytest_runner.py:run_suite",
        "gateways/reports/upload.py:upload",
        "operations/reports/receiving.py:_written",
        "operations/reports/receiving.py:forget_unfinished",
        "operations/reports/receiving.py:receive",
        "host/strangers.py:_is_kept",
        "host/strangers.py:take_back",
    },
    "logs and locks": {
        "host/locks.py:_held",
        "host/log_file.py:_turn_over",
        "host/log_file.py:emit",
    },
    "this machine": {
        "gateways/images/buildah.py:_storage",
        "gateways/suites/playwright.py:video_browsers",
        "host/become.py:_make_root",
        "host/become.py:_users",
        "host/confined.py:main",
        "host/priority.py:_weigh",
    },
    "no write": {"gateways/images/registry.py:_exchanged"},  # a login: OAuth requests a token by POST
}


def test_writes_outside_the_seam() -> None:
    """Gateways, operations, the host, tasks and flows write only in a block that is announced."""
    found = {where for file in MODULES for where in unannounced(file)}
    assert found == set().union(*OUTSIDE_THE_SEAM.values())


def test_clients_of_prefect() -> None:
    """One module makes Prefect's client, whose hooks announce each write."""
    made = {file.name for file in MODULES if "get_client(" in file.read_text()}
    assert made == {"client.py"}


def unannounced(file: Path) -> Iterator[str]:
    """Functions of *file* that write outside a `with writing(…)`."""

    def visit(node: ast.AST, function: str, announced: bool) -> Iterator[str]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.With):
            calls = [one for item in node.items for one in ast.walk(item.context_expr) if isinstance(one, ast.Call)]
            announced = announced or any(ast.unparse(one.func) in {"writing", "writing_if"} for one in calls)
        if isinstance(node, ast.Call) and not announced and changes(node):
            yield f"{file.relative_to(ROOT)}:{function}".removeprefix("azora/")
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function, announced)

    return visit(ast.parse(file.read_text()), "", False)


def changes(call: ast.Call) -> bool:
    """Report whether *call* changes a file, or sends a request of which HTTP expects a change."""
    if not isinstance(call.func, ast.Attribute):
        name = ast.unparse(call.func)
        return name in CHANGE_BY_PREFECT or (name == "open" and is_for_writing(call))
    name, of = call.func.attr, ast.unparse(call.func.value)
    if name == "replace":
        return len(call.args) == 1  # a path's; a text's has two
    if name == "open":
        return is_for_writing(call)
    return name in CHANGE_FILES or (name in CHANGE_BY_HTTP and of in CLIENTS)


def is_for_writing(call: ast.Call) -> bool:
    modes = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return any(set("wax+") & set(mode) for mode in modes)


def test_announcements() -> None:
    """A listener gets each write before it begins and after it was accepted."""
    seen: list[tuple[Moment, Write]] = []
    with listening(lambda moment, write: seen.append((moment, write))):
        with writing(System.FILES, "a"):
            assert seen == [("before", Write(System.FILES, "a"))]
        with writing_if(False, System.FILES, "a read"):
            pass
    with writing(System.FILES, "later"):
        pass
    assert seen == [("before", Write(System.FILES, "a")), ("after", Write(System.FILES, "a"))]


def test_announcement_of_a_failed_write() -> None:
    """A write that was not accepted is announced before it alone."""
    seen: list[Moment] = []
    with (
        listening(lambda moment, _: seen.append(moment)),
        pytest.raises(OSError, match="full"),
        writing(System.FILES, "a"),
    ):
        raise OSError("full")
    assert seen == ["before"]
