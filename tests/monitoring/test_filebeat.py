"""What is given to those who watch: Filebeat finds the pods of a stack and the pipeline's log, and holds no secret."""

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


def test_filebeat_finds_every_pod_of_a_stack_by_its_color() -> None:
    (provider,) = OF_PODS["filebeat.autodiscover"]["providers"]
    (template,) = provider["templates"]
    dedotted = COLOR_LABEL.replace(".", "_")
    assert template["condition"] == {"has_fields": [f"kubernetes.labels.{dedotted}"]}
    assert f"{COLOR_LABEL}: " in (ROOT / "deployments/charts/azora/templates/_names.tpl").read_text()


def test_filebeat_takes_the_fields_of_a_pod_s_line_as_they_are() -> None:
    (source,) = OF_PODS["filebeat.autodiscover"]["providers"][0]["templates"][0]["config"]
    assert source["type"] == "filestream"
    assert source["parsers"] == [{"container": {}}, AS_THEY_ARE]


def test_filebeat_takes_the_pipeline_s_log_and_what_was_turned_over_as_they_are() -> None:
    (source,) = OF_THE_PIPELINE["filebeat.inputs"]
    assert source["type"] == "filestream"
    assert source["parsers"] == [AS_THEY_ARE]
    file = str(log_file(Settings(state="${AZORA_STATE}")))  # type: ignore[arg-type]
    for name, taken in ((file, True), (f"{file}.1", True), (f"{file}.2", True), (f"{file}.lock", False)):
        assert any(fnmatch(name, pattern) for pattern in source["paths"]) is taken, name


@each
def test_filebeat_has_addresses_and_keys_from_its_environment_only(text: str) -> None:
    assert yaml.safe_load(text)["output.elasticsearch"] == {
        "hosts": ["${ELASTICSEARCH_HOSTS}"],
        "api_key": "${ELASTICSEARCH_API_KEY}",
    }
    named = set(re.findall(r"\$\{([A-Z_]+)\}", text))
    assert all(f"#   {name}" in text for name in named)
