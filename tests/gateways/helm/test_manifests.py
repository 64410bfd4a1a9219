"""Objects that charts render, read as Helm installs them; unfit ones are refused by template."""

from __future__ import annotations

import pytest

from azora.errors import BadInput
from azora.gateways.helm.manifests import rendered_objects

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
TEST = "apiVersion: v1\nkind: Pod\nmetadata: {name: b, annotations: {helm.sh/hook: %s}}\n"


def output(*documents: str, source: str = "shop/templates/x.yaml") -> str:
    """Documents, as `helm template` prints them."""
    return "".join(f"---\n# Source: {source}\n{document}" for document in documents)


@pytest.mark.parametrize(
    ("documents", "names"),
    [
        pytest.param([POD, "# nothing\n"], ["a"], id="empty document"),
        pytest.param(
            [f"apiVersion: v1\nkind: List\nitems:\n- {POD.replace(chr(10), chr(10) + '  ')}\n"], ["a"], id="List"
        ),
        pytest.param([POD, "apiVersion: v1\nkind: List\nitems:\n"], ["a"], id="List of nothing"),
        pytest.param([POD, TEST % "test"], ["a"], id="test"),
        pytest.param([POD, TEST % "'post-install, test'"], ["a", "b"], id="test that is installed too"),
    ],
)
def test_objects(documents: list[str], names: list[str]) -> None:
    """The objects are those that Helm installs."""
    assert [found["metadata"]["name"] for found in rendered_objects(output(*documents))] == names


@pytest.mark.parametrize(
    ("document", "says"),
    [
        pytest.param("kind: Pod\nmetadata: {name: a}\n", "it has no apiVersion", id="apiVersion"),
        pytest.param("apiVersion: v1\nkind: Job\nmetadata: {generateName: a-}\n", "it has no metadata.name", id="generateName"),
        pytest.param("apiVersion: v1\nkind: List\nitems: [3]\n", "could not use 3 of 'shop/templates/x.yaml'", id="number"),
        pytest.param("a: b\n", "it has no apiVersion and no kind and no metadata.name", id="no object"),
        pytest.param("a: [\n", "could not read what 'shop/templates/x.yaml' renders", id="no YAML"),
    ],
)  # fmt: skip
def test_what_kubernetes_could_not_take(document: str, says: str) -> None:
    """The error names the template and what is missing."""
    with pytest.raises(BadInput) as refused:
        rendered_objects(output(POD, document))
    assert says in refused.value.message
    assert "shop/templates/x.yaml" in refused.value.message


@pytest.mark.parametrize("source", ["shop/crds/x.yaml", "shop/charts/sub/crds/x.yaml"])
def test_crds(source: str) -> None:
    """A folder crds, which Helm installs once for the whole cluster, is refused by name."""
    with pytest.raises(BadInput, match=f"could not use '{source}'.*\n.*apply its files before the release"):
        rendered_objects(output(POD, source=source))
    assert rendered_objects(output(POD, source="shop/templates/crds/x.yaml"))
