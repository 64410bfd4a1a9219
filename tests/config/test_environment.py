"""Environment files: strict, and wrong ones told in one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from azora.config.environment import (
    ApprovalPolicy,
    environments,
    environments_of_flows,
    load_environment,
)
from azora.config.settings import ROOT
from azora.errors import BadInput

FOLDER = ROOT / "deployments/environments"
GOOD = "namespace: n\nhosts: {live: a.localhost, preview: b.localhost}\n"
DEV = "approvers: {users: ['oidc:dev']}"


def test_environment_files_of_the_project() -> None:
    """The project's own files load: production asks for approval, staging does not."""
    assert environments(FOLDER) == ["production", "staging"]
    production = load_environment("production", FOLDER)
    assert production.approval
    assert production.approval.ask == "before_preview"
    assert load_environment("staging", FOLDER).approval is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(GOOD + "nmespace: n\n", "nmespace", id="unknown key"),
        pytest.param("hosts: {live: a, preview: b}\n", "namespace: Field required", id="missing key"),
        pytest.param(GOOD + "approval: {ask: sometimes}\n", "approval.ask", id="value that is no choice"),
        pytest.param(GOOD + "settle_seconds: -1\n", "settle_seconds", id="number out of range"),
        pytest.param(
            GOOD + "name: production\n", "name: 'production' is not the file's name", id="name of another file"
        ),
        pytest.param(
            GOOD + "approval: {wait_hours: 999999999}\n", "approval.wait_hours: .* 876600", id="more than a century"
        ),
        pytest.param(GOOD + "approval: {expires_hours: .inf}\n", "approval.expires_hours: .* finite", id="endless"),
        pytest.param(GOOD + "proof: {environment: qa, max_age_hours: .nan}\n", "proof.max_age_hours", id="no number"),
        pytest.param(GOOD + "install_minutes: .inf\n", "install_minutes", id="endless installation"),
        pytest.param(GOOD + "probe_per_second: .inf\n", "probe_per_second", id="endless rate"),
        pytest.param("a: [", "line 1: expected the node content", id="no YAML"),
    ],
)
def test_environment_file_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    """The error names the wrong key."""
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(BadInput, match=said):
        load_environment("odd", tmp_path)


def policy_of(folder: Path, approval: str) -> ApprovalPolicy:
    """Approval policy of a file that has *approval*."""
    (folder / "shop.yaml").write_text(GOOD + f"approval: {approval}\n")
    found = load_environment("shop", folder).approval
    assert found
    return found


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        pytest.param("{minimum: 2}", "minimum needs `by: cluster`", id="two names in a form"),
        pytest.param(
            "{by: form, approvers: {groups: [ops]}}", "approvers needs `by: cluster`", id="approvers of a form"
        ),
        pytest.param("{not_authors: true}", "not_authors needs `by: cluster`", id="authors in a form"),
        pytest.param("{people: {dev@example.org: dev}}", "people needs `by: cluster`", id="people of a form"),
        pytest.param("{override: {users: [ada]}}", "override needs `by: cluster`", id="override of a form"),
        pytest.param("{rollback: {users: [ada]}}", "rollback needs `by: cluster`", id="rollback of a form"),
        pytest.param("{by: cluster}", "approvers is missing", id="nobody may approve"),
        pytest.param(f"{{by: cluster, {DEV}, ask: after_preview}}", "ask: after_preview needs `by: form`", id="late"),
        pytest.param(f"{{by: cluster, {DEV}, minimum: 2}}", "minimum is 2, and approvers has 1 users", id="too few"),
        pytest.param(f"{{by: cluster, {DEV}, minimum: 0}}", "approval.minimum", id="nobody needed"),
        pytest.param(f"{{by: cluster, {DEV}, minimum: '2'}}", "approval.minimum", id="text for a number"),
        pytest.param(f"{{by: cluster, {DEV}, not_authors: 'no'}}", "approval.not_authors", id="text for a choice"),
        pytest.param("{by: cluster, approvers: {users: [ada b]}}", "approval.approvers.users", id="name with a space"),
        pytest.param("{by: cluster, approvers: {user: [ada]}}", "approval.approvers.user", id="unknown key of people"),
        pytest.param(f"{{by: cluster, {DEV}, people: {{dev: dev}}}}", "approval.people", id="no address"),
        pytest.param(f"{{by: cluster, {DEV}, sidecars: [istio]}}", "approval.sidecars", id="no digest"),
        pytest.param("{preview: hide}", "approval.preview", id="unknown end of a preview"),
    ],
)
def test_approval_policy_that_is_wrong(tmp_path: Path, approval: str, said: str) -> None:
    """The error names the wrong key."""
    with pytest.raises(BadInput, match=re.escape(said)):
        policy_of(tmp_path, approval)


@pytest.mark.parametrize(
    ("approval", "excluded"),
    [
        pytest.param(f"{{by: cluster, {DEV}}}", False, id="one person"),
        pytest.param("{by: cluster, approvers: {groups: [ops]}, minimum: 2}", True, id="two people"),
        pytest.param("{by: cluster, approvers: {groups: [ops]}, minimum: 2, not_authors: false}", False, id="two, off"),
        pytest.param(f"{{by: cluster, {DEV}, not_authors: true}}", True, id="one, on"),
    ],
)
def test_authors_as_approvers(tmp_path: Path, approval: str, excluded: bool) -> None:
    """From two approvers on, an author does not approve the own commit, unless the file allows it."""
    assert policy_of(tmp_path, approval).excludes_authors is excluded


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("https://shop.example.org", id="scheme"),
        pytest.param("Shop.example.org", id="capital letter"),
        pytest.param("shop.example.org:8443", id="port"),
        pytest.param("shop.example.org/", id="path"),
        pytest.param("shop.example.org.", id="dot at the end"),
        pytest.param("*.example.org", id="wildcard"),
        pytest.param("bücher.example.org", id="letter outside DNS"),
        pytest.param("10.0.0.1", id="address"),
        pytest.param("a" * 64 + ".example.org", id="long label"),
        pytest.param("", id="empty"),
    ],
)
def test_host_that_is_refused(tmp_path: Path, host: str) -> None:
    """An Ingress takes a DNS name in small letters."""
    (tmp_path / "odd.yaml").write_text(f"namespace: n\nhosts: {{live: '{host}', preview: b.localhost}}\n")
    with pytest.raises(BadInput, match=f"hosts.live: {re.escape(repr(host))} is no host name"):
        load_environment("odd", tmp_path)


def test_hosts_that_are_one(tmp_path: Path) -> None:
    """Users and the preview have hosts of their own."""
    (tmp_path / "odd.yaml").write_text("namespace: n\nhosts: {live: a.localhost, preview: a.localhost}\n")
    with pytest.raises(BadInput, match="hosts: live and preview are both 'a"):
        load_environment("odd", tmp_path)


def test_environment_that_is_unknown(tmp_path: Path) -> None:
    """The error names the known environments."""
    (tmp_path / "staging.yaml").write_text(GOOD)
    with pytest.raises(BadInput, match="known environments: staging"):
        load_environment("prod", tmp_path)


def test_environment_folder_that_is_empty(tmp_path: Path) -> None:
    """The error names the setting of the folder."""
    with pytest.raises(BadInput, match="could not find any environment") as refused:
        environments(tmp_path)
    assert "AZORA_ENVIRONMENTS" in refused.value.advice


def test_environment_that_flows_name(tmp_path: Path) -> None:
    """An environment that the flows name must have a file."""
    for name in ("staging", "elsewhere"):
        (tmp_path / f"{name}.yaml").write_text(GOOD)
    with pytest.raises(BadInput, match="could not find the environment production in"):
        environments_of_flows(tmp_path)
    (tmp_path / "production.yaml").write_text(GOOD)
    assert environments_of_flows(tmp_path) == ["elsewhere", "production", "staging"]
