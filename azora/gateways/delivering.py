"""From a release and an environment to the gateways that bring one to the other."""

from __future__ import annotations

from azora.application import load_application
from azora.delivery import Delivery
from azora.environment import Environment
from azora.errors import AzoraError
from azora.gateways import charts
from azora.gateways.candidate import folder_of
from azora.gateways.cluster import connect
from azora.gateways.helm import Helm
from azora.gateways.promotion import Promotion
from azora.release import Release
from azora.settings import Settings


def promotion_of(environment: Environment, release: Release, *, run: str, settings: Settings) -> Promotion:
    """Everything that brings *release* to *environment*, on behalf of *run*."""
    folder = folder_of(release.commit, settings)
    delivery = Delivery(release, load_application(folder), environment, folder, run)
    cluster = connect(environment, settings)
    return Promotion(delivery, cluster, Helm(environment, settings), settings)


def render_charts(environment: Environment, release: Release, *, settings: Settings) -> None:
    """Raise BadInput unless every chart of *release* renders with the values of *environment*. No cluster is asked."""
    folder = folder_of(release.commit, settings)
    delivery = Delivery(release, load_application(folder), environment, folder, run="")
    helm = Helm(environment, settings)
    for name, chart, values in charts.everything(delivery):
        try:
            helm.render(name, chart, values)
        except AzoraError as error:
            message = error.message.replace(f"{folder}/", "")
            raise type(error)(f"{message}\n  with the values of {environment.name}", advice=error.advice) from error
