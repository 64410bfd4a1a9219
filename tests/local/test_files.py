"""Files of a node: written whole or not at all, private where they must be, the same when repeated."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from azora.config.environment import load_environment
from azora.config.settings import Settings
from azora.errors import Failed
from azora.host.process import clean_environment, logged, output_of
from azora.local import monitoring, prefect
from azora.local.cache import built, cache_folder, cache_key
from azora.local.configuration import rendered, write, write_configuration
from azora.local.env_file import auth_string, reports_key, variables, write_environment
from azora.local.gate import TRACKED, choose_gate
from azora.local.kubernetes import node_services
from azora.local.layout import Layout
from azora.local.pki import make_certificates
from azora.local.service import NodeService, Stage


@pytest.fixture
def node(tmp_path: Path) -> Layout:
    return Layout("mine", "10.97.0", 30000, tmp_path / "mine")


def test_build_that_was_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A killed build leaves nothing that looks built."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def killed(place: Path) -> None:
        (place / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        built("thing-1", killed)
    assert not (cache_folder() / "thing-1").exists()
    made = built("thing-1", lambda place: (place / "whole").touch())
    assert [path.name for path in made.iterdir()] == ["whole"]


def test_build_from_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A finished build is not repeated."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built("thing-1", lambda place: (place / "first").touch())
    assert [path.name for path in built("thing-1", lambda place: (place / "second").touch()).iterdir()] == ["first"]


def test_build_key(tmp_path: Path) -> None:
    """The key changes with content and flags."""
    file = tmp_path / "a"
    file.write_text("1")
    first = cache_key([file], "flag")
    assert cache_key([file], "other") != first
    file.write_text("2")
    assert cache_key([file], "flag") != first


def test_build_key_in_another_checkout(tmp_path: Path) -> None:
    """The key does not depend on where the checkout is."""
    for place, name in (("a", "script"), ("m", "os-release"), ("z", "script")):
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_text(name)
    fixed = tmp_path / "m/os-release"
    assert cache_key([tmp_path / "a/script", fixed]) == cache_key([tmp_path / "z/script", fixed])


def test_certificates(node: Layout) -> None:
    """Certificates are signed by the node's own authority, private, and made once."""
    make_certificates(node)
    before = {path: path.read_bytes() for path in node.pki.iterdir()}
    make_certificates(node)
    assert {path: path.read_bytes() for path in node.pki.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in node.pki.glob("*.key")} == {0o600}
    authority = x509.load_pem_x509_certificate((node.pki / "ca.crt").read_bytes())
    for file in node.pki.glob("*.crt"):
        x509.load_pem_x509_certificate(file.read_bytes()).verify_directly_issued_by(authority)


def test_certificates_of_an_older_node(node: Layout) -> None:
    """A node that was made before there was an approver gets the certificate from the same authority."""
    make_certificates(node)
    authority = (node.pki / "ca.crt").read_bytes()
    for end in ("crt", "key"):
        (node.pki / f"approver.{end}").unlink()
    make_certificates(node)
    assert (node.pki / "ca.crt").read_bytes() == authority
    approver = x509.load_pem_x509_certificate((node.pki / "approver.crt").read_bytes())
    approver.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
    assert approver.subject.rfc4514_string() == "CN=approver"


def test_environments_of_a_gated_node(node: Layout) -> None:
    """With the gate, each approval is by the node's approver; the choice stays, and nothing else of the files changes."""
    for wanted in (True, None):
        choose_gate(node, wanted)
        gated = load_environment("production", node.environments)
        assert gated.has_a_gate
        assert gated.approval
        assert gated.approval.approvers.users == ("approver",)
        tracked = load_environment("production", TRACKED)
        assert tracked.model_copy(update={"approval": gated.approval}) == gated
        assert load_environment("staging", node.environments) == load_environment("staging", TRACKED)
        assert variables(node, Path("/bin"))["AZORA_ENVIRONMENTS"] == str(node.environments)
    choose_gate(node, wanted=False)
    assert "AZORA_ENVIRONMENTS" not in variables(node, Path("/bin"))


def test_configuration_files(node: Layout) -> None:
    """Files with keys are private, and all configuration is valid YAML."""
    make_certificates(node)
    write_configuration(node, "10.97.0.2:5000/node/pause:1")
    keys = [node.kubeconfig, *node.etc.glob("*.kubeconfig")]
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert yaml.safe_load(node.kubeconfig.read_text())["current-context"] == "azora-mine"
    for file in (node.etc / "kubelet.yaml", node.etc / "kube-proxy.yaml", node.etc / "registry.yaml"):
        yaml.safe_load(file.read_text())


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool: `make up` installs it")
def test_prometheus_configuration(node: Layout) -> None:
    """promtool accepts the configuration and its rules."""
    monitoring.write_monitoring(node)
    done = subprocess.run(
        ["promtool", "check", "config", monitoring.configuration(node)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS: " in done.stdout
    assert "rules found" in done.stdout


def test_file_with_the_same_content(tmp_path: Path) -> None:
    """The same content leaves a file alone."""
    file = tmp_path / "folder/file"
    write(file, "one")
    first = file.stat().st_ino
    write(file, "one")
    assert file.stat().st_ino == first
    write(file, "two", private=True)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("two", 0o600)


def test_supervisor_configuration_of_odd_words(node: Layout) -> None:
    """The supervisor reads back each argument and variable unchanged."""
    words = ("sh", "-c", 'echo "100%" $HOME', "a b")
    service = NodeService("odd", Stage.WORK, words, lambda: True, env={"SHARE": "50%", "PLACE": "/a b"})
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(rendered("supervisord.conf", node=node, services=[service], open_files=1024))
    section = parsed["program:odd"]
    assert tuple(shlex.split(section["command"].replace("%%", "%"))) == words
    assert section["environment"] == 'PLACE="/a b",SHARE="50%%"'
    assert section["autorestart"] == "true"


def test_supervisor_configuration_of_a_node(node: Layout) -> None:
    """The supervisor reads back each service's command unchanged."""
    make_certificates(node)
    write_configuration(node, "pause:1")
    services = node_services(node, Path("/bin"))
    parsed = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";", "#"))
    parsed.read_string(rendered("supervisord.conf", node=node, services=services, open_files=1024))
    for service in services:
        command = parsed[f"program:{service.name}"]["command"]
        assert tuple(shlex.split(command.replace("%%", "%"))) == service.command


def test_environment_file(node: Layout) -> None:
    """A shell can source the node's variables."""
    write_environment(node, Path("/bin"))
    told = output_of(["env", "-i", "sh", "-c", f"set -a; . {node.environment}; env"])
    assert set(node.environment.read_text().splitlines()) <= set(told.splitlines())
    assert os.access(node.sweep_program, os.X_OK)
    assert f"azora local sweep {node.name}" in node.sweep_program.read_text()


def test_registry_without_tls(node: Layout) -> None:
    """The node's settings have plain HTTP for its registry; the default is TLS."""
    assert variables(node, Path("/bin"))["AZORA_REGISTRY_PLAIN_HTTP"] == "true"
    assert Settings.model_fields["registry_plain_http"].default is False


def test_auth_string(node: Layout) -> None:
    """The auth string is private, made once, and given to the services that need it."""
    made = auth_string(node)
    user, _, password = made.partition(":")
    assert user == "azora"
    assert len(password) >= 32
    assert (auth_string(node), node.auth.stat().st_mode & 0o777) == (made, 0o600)
    assert prefect.server(node).env["PREFECT_SERVER_API_AUTH_STRING"] == made
    assert prefect.worker(node, Path("/bin")).env["PREFECT_API_AUTH_STRING"] == made
    assert prefect.reports(node, Path("/bin")).env["AZORA_REPORTS_AUTH_STRING"] == made
    assert made not in prefect.reports(node, Path("/bin")).env["AZORA_REPORTS_KEY"]
    write_environment(node, Path("/bin"))
    assert f"PREFECT_API_AUTH_STRING={made}" in node.environment.read_text().splitlines()
    assert node.environment.stat().st_mode & 0o777 == 0o600


def test_key_of_the_reports(node: Layout) -> None:
    """The key that signs links is private, made once, and given to the server and the worker."""
    made = reports_key(node)
    assert len(made) == 64
    assert (reports_key(node), node.reports_key.stat().st_mode & 0o777) == (made, 0o600)
    for service in (prefect.reports(node, Path("/bin")), prefect.worker(node, Path("/bin"))):
        assert service.env["AZORA_REPORTS_KEY"] == made
        assert made not in " ".join(service.command)


def test_auth_string_of_another_node(node: Layout, tmp_path: Path) -> None:
    """Each node has an auth string of its own."""
    assert auth_string(node) != auth_string(Layout("other", "10.96.0", 31000, tmp_path / "other"))


def test_auth_string_on_command_lines(node: Layout) -> None:
    """The password is on no command line."""
    services = [*prefect.prefect_services(node, Path("/bin")), *monitoring.monitoring_services(node, Path("/bin"))]
    password = auth_string(node).partition(":")[2]
    assert [one.name for one in services if password in " ".join(one.command)] == []


def test_listening_addresses(node: Layout) -> None:
    """Services listen on loopback or on the node's own address."""
    services = [
        *node_services(node, Path("/bin")),
        prefect.server(node),
        prefect.reports(node, Path("/bin")),
        *monitoring.monitoring_services(node, Path("/bin")),
    ]
    said = " ".join(word for service in services for word in service.command)
    assert "0.0.0.0" not in said  # noqa: S104 - the point
    assert "--host=127.0.0.1" in said


def test_error_of_a_program(tmp_path: Path) -> None:
    """The error has what was tried, what came back and the log."""
    with pytest.raises(Failed, match=r"could not run 'sh -c .*': no such thing"):
        output_of(["sh", "-c", "echo no such thing >&2; exit 3"])
    with pytest.raises(Failed, match="exit 3") as caught:
        logged(["sh", "-c", "echo half; exit 3"], tmp_path / "log")
    assert str(tmp_path / "log") in caught.value.advice
    assert (tmp_path / "log").read_text() == "half\n"


def test_variables_of_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell's own settings do not reach a program that the node starts."""
    for name in ("AZORA_NODE", "PREFECT_API_URL", "PYTHONDONTWRITEBYTECODE", "KUBECONFIG"):
        monkeypatch.setenv(name, "bent")
    monkeypatch.setenv("SSL_CERT_FILE", "/kept")
    env = clean_environment(AZORA_NODE="mine")
    assert "bent" not in env.values()
    assert (env["AZORA_NODE"], env["SSL_CERT_FILE"]) == ("mine", "/kept")
