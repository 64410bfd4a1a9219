"""Refusals of the gate, as the API server and Helm print them."""

from __future__ import annotations

import pytest

from azora.core.gate.refusal import items_in, policies_in

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
LIVE = "ValidatingAdmissionPolicy 'azora-live' with binding 'azora-live' denied request: release"
IMAGES = (
    "Error: INSTALL FAILED: deployments.apps \"shop\" is forbidden: ValidatingAdmissionPolicy 'azora-images' with binding"
    " 'azora-images-new' denied request: these images of shop do not have 2 approvals in shop-production:"
)
RECORD = "ValidatingAdmissionPolicy 'azora-record' with binding 'azora-record' denied request: the record only grows"


@pytest.mark.parametrize(
    ("message", "items", "policies"),
    [
        pytest.param(f"{LIVE} 3f2a has 0 of 1 approvals in shop", ("3f2a",), ("azora-live",), id="a release"),
        pytest.param(
            f"{LIVE} (none named) has 0 of 1 approvals in s", ("(none named)",), ("azora-live",), id="no release"
        ),
        pytest.param(f"{IMAGES} a/b@{ONE}, c:1@{TWO}\n", (ONE, TWO), ("azora-images",), id="images"),
        pytest.param(f"{IMAGES} a/b@{ONE}; azora.dev/override counts", (ONE,), ("azora-images",), id="an override"),
        pytest.param(f"{IMAGES} shop:1, a@{ONE}", ("shop:1", ONE), ("azora-images",), id="a tag"),
        pytest.param(f"{IMAGES} a@{ONE}\n{IMAGES} a@{TWO}", (ONE, TWO), ("azora-images",), id="two objects"),
        pytest.param(RECORD, (), ("azora-record",), id="another policy"),
        pytest.param("pods is forbidden: exceeded quota", (), (), id="another refusal"),
    ],
)
def test_items_of_a_refusal(message: str, items: tuple[str, ...], policies: tuple[str, ...]) -> None:
    """The message names each item without approvals; other refusals name nothing."""
    assert (items_in(message), policies_in(message)) == (items, policies)
