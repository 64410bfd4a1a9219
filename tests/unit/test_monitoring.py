"""What is given to those who watch: Filebeat finds the pods of a stack and holds no secret."""

from __future__ import annotations

import re
from typing import Any

import yaml

from azora.colors import COLOR_LABEL
from azora.settings import ROOT

TEXT = (ROOT / "deployments/monitoring/filebeat.yaml").read_text()
FILEBEAT: dict[str, Any] = yaml.safe_load(TEXT)


def test_filebeat_finds_every_pod_of_a_stack_by_its_color() -> None:
    (provider,) = FILEBEAT["filebeat.autodiscover"]["providers"]
    (template,) = provider["templates"]
    dedotted = COLOR_LABEL.replace(".", "_")
    assert template["condition"] == {"has_fields": [f"kubernetes.labels.{dedotted}"]}
    assert f"{COLOR_LABEL}: " in (ROOT / "deployments/charts/azora/templates/_names.tpl").read_text()


def test_filebeat_takes_the_fields_of_a_line_as_they_are() -> None:
    (source,) = FILEBEAT["filebeat.autodiscover"]["providers"][0]["templates"][0]["config"]
    assert source["type"] == "filestream"
    assert source["parsers"] == [
        {"container": {}},
        {"ndjson": {"target": "", "overwrite_keys": True, "expand_keys": True, "add_error_key": True}},
    ]


def test_filebeat_has_addresses_and_keys_from_its_environment_only() -> None:
    assert FILEBEAT["output.elasticsearch"] == {
        "hosts": ["${ELASTICSEARCH_HOSTS}"],
        "api_key": "${ELASTICSEARCH_API_KEY}",
    }
    named = set(re.findall(r"\$\{([A-Z_]+)\}", TEXT))
    assert all(f"#   {name}" in TEXT for name in named)
