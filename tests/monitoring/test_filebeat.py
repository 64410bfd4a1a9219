"""Filebeat's configuration: it finds a stack's pods and the pipeline's log, and holds no secret."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml

from azora.config.settings import ROOT, Settings
from azora.core.colors import COLOR_LABEL
from azora.host.log_file import log_file

FOLDER = ROOT / "deployments/monitoring"
TEXTS = {file.stem: file.read_text() for file in sorted(FOLDER.glob("filebeat*.yaml"))}
OF_PODS: dict[str, Any] = yaml.safe_load(TEXTS["filebeat"])
OF_THE_PIPELINE: dict[str, Any] = yaml.safe_load(TEXTS["filebeat-pipeline"])
AS_THEY_ARE = {"ndjson": {"target": "", "overwrite_keys": True, "expand_keys": True, "add_error_key": True}}

each = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


def test_pods_by_color() -> None:
    """Filebeat finds each pod of a stack by its color label."""
    (provider,) = OF_PODS["filebeat.autodiscover"]["providers"]
    (template,) = provider["templates"]
    dedotted = COLOR_LABEL.replace(".", "_")
    assert template["condition"] == {"has_fields": [f"kubernetes.labels.{dedotted}"]}
    assert f"{COLOR_LABEL}: " in (ROOT / "deployments/charts/azora/templates/_names.tpl").read_text()


def test_fields_of_a_pod() -> None:
    """Filebeat takes the fields of a pod's line unchanged."""
    (source,) = OF_PODS["filebeat.autodiscover"]["providers"][0]["templates"][0]["config"]
    assert source["type"] == "filestream"
    assert source["parsers"] == [{"container": {}}, AS_THEY_ARE]


def test_files_of_the_pipeline() -> None:
    """Filebeat reads the pipeline's log and its rotated files, and no lock file."""
    (source,) = OF_THE_PIPELINE["filebeat.inputs"]
    assert source["type"] == "filestream"
    assert source["parsers"] == [AS_THEY_ARE]
    file = str(log_file(Settings(state="${AZORA_STATE}")))  # type: ignore[arg-type]
    for name, taken in ((file, True), (f"{file}.1", True), (f"{file}.2", True), (f"{file}.lock", False)):
        assert any(fnmatch(name, pattern) for pattern in source["paths"]) is taken, name


@each
def test_addresses_and_keys(text: str) -> None:
    """Addresses and keys come from documented variables only."""
    assert yaml.safe_load(text)["output.elasticsearch"] == {
        "hosts": ["${ELASTICSEARCH_HOSTS}"],
        "api_key": "${ELASTICSEARCH_API_KEY}",
    }
    named = set(re.findall(r"\$\{([A-Z_]+)\}", text))
    assert all(f"#   {name}" in text for name in named)
