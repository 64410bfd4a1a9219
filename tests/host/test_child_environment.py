"""Variables that the tests of a commit receive: what reads packages, and nothing that publishes them."""

from __future__ import annotations

import pytest

from azora.host.child_environment import PACKAGES, child_environment


@pytest.mark.parametrize(
    "name",
    [
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_INDEX_URL",
        "UV_INDEX_INTERNAL_PASSWORD",
        "UV_NO_BINARY",
        "UV_PYTHON_INSTALL_MIRROR",
        "UV_HTTP_TIMEOUT",
        "npm_config_registry",
        "npm_config_@shop:registry",
        "NPM_CONFIG_REGISTRY",
        "PLAYWRIGHT_BROWSERS_PATH",
        "PLAYWRIGHT_CHROMIUM_DOWNLOAD_HOST",
        "GOPROXY",
        "https_proxy",
    ],
)
def test_what_reads_packages(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Indexes, mirrors and certificates reach the tests."""
    monkeypatch.setenv(name, "given")
    assert child_environment(*PACKAGES)[name] == "given"


@pytest.mark.parametrize(
    "name",
    [
        "UV_PUBLISH_TOKEN",
        "UV_PUBLISH_PASSWORD",
        "UV_PUBLISH_USERNAME",
        "UV_PUBLISH_URL",
        "UV_GITHUB_TOKEN",
        "UV_API_KEY",
        "UV_AUTH_TOKEN",
        "npm_config_//registry.npmjs.org/:_authToken",
        "npm_config__authToken",
        "npm_config__auth",
        "npm_config__password",
        "npm_config_otp",
        "NPM_CONFIG__AUTH",
        "NPM_CONFIG_KEY",
        "NPM_TOKEN",
        "PLAYWRIGHT_SERVICE_ACCESS_TOKEN",
        "PLAYWRIGHT_SERVICE_URL",
        "TWINE_PASSWORD",
        "GOAUTH",
        "HF_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
    ],
)
def test_what_publishes(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Credentials for writing stay with the worker; AZORA_TEST_VARIABLES can name them."""
    monkeypatch.setenv(name, "secret")
    assert name not in child_environment(*PACKAGES)
    assert child_environment(*PACKAGES, name)[name] == "secret"
