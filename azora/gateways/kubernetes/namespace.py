"""One environment's namespace in one cluster: where its objects are, and the names of Azora's."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from azora.config.environment import Environment
from azora.config.permissions import namespace_object
from azora.core.colors import Color
from azora.errors import Conflict, Refused
from azora.gateways.kubernetes.api import Api


@dataclass(frozen=True)
class Namespace:
    """The namespace of *environment*, for the application called *application*."""

    api: Api
    environment: Environment
    application: str

    @property
    def name(self) -> str:
        return self.environment.namespace

    @property
    def core(self) -> str:
        """Path of the namespace's Services, Secrets, ConfigMaps, pods and Events."""
        return f"/api/v1/namespaces/{self.name}"

    @property
    def apps(self) -> str:
        """Path of the namespace's Deployments."""
        return f"/apis/apps/v1/namespaces/{self.name}"

    @property
    def live_service(self) -> str:
        return self.application

    @property
    def preview_service(self) -> str:
        return f"{self.application}-preview"

    def stack_name(self, color: Color) -> str:
        """Helm release of a color."""
        return f"{self.application}-{color}"

    def ensure(self) -> None:
        """Create the namespace when it is missing, as far as we may: an account of one environment may not.

        Raises:
            Refused: its rights went with it, or were never given.
        """
        try:
            if self.api.find(self.core) is None:
                with suppress(Conflict):
                    self.api.create("/api/v1/namespaces", namespace_object(self.name))
        except Refused as error:
            raise Refused(
                f"could not enter the namespace {self.name}: {error.message.partition(': ')[2]}",
                advice=f"as a user who may create namespaces and roles, run `azora rights apply {self.environment.name}`",
            ) from error

    def exists(self) -> bool:
        """Return True when it exists, as far as this identity may know."""
        try:
            return self.api.find(self.core) is not None
        except Refused:
            return False
