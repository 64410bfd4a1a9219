"""One environment's namespace in one cluster: what is where in it, and the pods it holds."""

from __future__ import annotations

from contextlib import suppress

from azora.config.environment import Environment
from azora.config.permissions import namespace_object
from azora.core.cluster.kubernetes_objects import Json
from azora.core.colors import COLOR_LABEL, NAME_LABEL, Color
from azora.errors import Conflict, Refused
from azora.gateways.kubernetes.api import Api


class Namespace:
    """The namespace of *environment*, for the application called *application*."""

    def __init__(self, api: Api, environment: Environment, application: str) -> None:
        self.api = api
        self.environment = environment
        self.application = application
        self.core = f"/api/v1/namespaces/{environment.namespace}"
        self.apps = f"/apis/apps/v1/namespaces/{environment.namespace}"
        self.live = application
        self.preview = f"{application}-preview"

    @property
    def namespace(self) -> str:
        return self.environment.namespace

    def stack_name(self, color: Color) -> str:
        """Helm release of a color."""
        return f"{self.application}-{color}"

    def pods(self, color: Color | None = None) -> list[Json]:
        """Pods of the application, of one color or of all."""
        selector = f"{NAME_LABEL}={self.application}" + (f",{COLOR_LABEL}={color}" if color else "")
        return list(self.api.get(f"{self.core}/pods", labelSelector=selector)["items"])

    def ensure_namespace(self) -> None:
        """Create the namespace when it is missing, as far as we may: an account of one environment may not.

        Raises:
            Refused: its rights went with it, or were never given.
        """
        try:
            if self.api.find(f"/api/v1/namespaces/{self.namespace}") is None:
                with suppress(Conflict):
                    self.api.create("/api/v1/namespaces", namespace_object(self.namespace))
        except Refused as error:
            raise Refused(
                f"could not enter the namespace {self.namespace}: {error.message.partition(': ')[2]}",
                advice=f"somebody who may make namespaces and roles runs `azora rights apply {self.environment.name}`",
            ) from error

    def has_namespace(self) -> bool:
        """Return True when it exists, as far as this identity may know."""
        try:
            return self.api.find(f"/api/v1/namespaces/{self.namespace}") is not None
        except Refused:
            return False
