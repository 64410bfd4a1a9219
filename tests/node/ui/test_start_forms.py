"""Every deployment has a start form that a stranger can fill in."""

from __future__ import annotations

from tests.support.screens import PrefectUI

ENVIRONMENT = "production or staging"

# What each form asks for, and what one may give: a text, a switch, a number or nothing, one of a list.
FORMS = {
    "azora-blue-green-switch": {"color": "blue or green", "environment": ENVIRONMENT},
    "azora-deploy-production": {"ref": "text"},
    "azora-deploy-staging": {"ref": "text"},
    "azora-e2e": {"environment": ENVIRONMENT},
    "azora-nightly": {},
    "azora-release": {"ref": "text", "fresh": "switch", "to": ENVIRONMENT},
    "azora-rollback": {"environment": ENVIRONMENT, "revision": "int or None"},
    "azora-smoke": {"environment": ENVIRONMENT},
}


def test_start_forms(ui: PrefectUI) -> None:
    """Every form says what it asks for, and offers the choices."""
    ui.open_deployments()
    ui.picture("deployments")
    found = {}
    for deployment in filter(FORMS.__contains__, ui.deployments()):  # other applications share the server
        ui.open_start_form(deployment)
        ui.expect_parameters(len(FORMS[deployment]))
        ui.picture(f"start form of {deployment}")
        asked = ui.parameters()
        found[deployment] = {name: parameter.takes for name, parameter in asked.items()}
        assert all(parameter.description.endswith(".") for parameter in asked.values()), asked
    assert found == FORMS
