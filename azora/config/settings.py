"""Settings of a machine: `AZORA_*` variables and a file, read once.

Environments are described in deployments/.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from azora.config.durations import Days, Hours, Seconds
from azora.config.os_user import expanded
from azora.config.settings_file import VARIABLE, settings_file, wrong_keys
from azora.errors import BadInput
from azora.redaction import remember, remember_address, remember_auth_string, remember_login_of

ROOT = Path(__file__).resolve().parents[2]

Place = Annotated[Path, AfterValidator(expanded)]
PlaceOrName = Annotated[str, AfterValidator(lambda text: str(expanded(Path(text))) if text.startswith("~") else text)]


class Settings(BaseSettings):
    """Settings; each field is a variable `AZORA_<NAME>` and a key of the settings file.

    docs/configuration.md lists all of them.
    """

    model_config = SettingsConfigDict(env_prefix="AZORA_", frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A variable goes before the file."""
        file = settings_file()
        return (init_settings, env_settings, *([TomlConfigSettingsSource(settings_cls, file)] if file else []))

    node: str = Field(
        "demo",
        description="Name of the embedded node whose settings are used; `tests` use `test`.",
        pattern=r"^[a-z][a-z0-9]{0,7}$",
    )
    state: Place | None = Field(
        None, description="Folder for state: runs, reports, mirrors. Default `~/.local/state/azora/<node>`."
    )
    kubeconfig: Place | None = Field(
        None,
        description="Kubeconfig file. Default: the embedded node's, or the usual one when `AZORA_KUBE_CONTEXT` is set.",
    )
    kube_context: str | None = Field(
        None, description="Kubeconfig context of your own cluster; when set, the embedded node is not used."
    )
    identities: Place | None = Field(
        None,
        description="Folder of `<environment>.kubeconfig`, the pipeline's accounts. Default: the user of the kubeconfig.",
    )
    registry: str = Field("10.98.0.2:5000", description="Registry host (and path) for push and pull of images.")
    registry_login: Place | None = Field(
        None,
        description="File with the login of the registry, as `buildah login --authfile` writes it; read before the usual ones.",
    )
    registry_plain_http: bool = Field(False, description="The registry uses plain HTTP (the embedded node sets this).")
    ingress_address: str | None = Field(
        "127.0.0.1:8080", description="host:port to connect to for every public host name; empty: resolve names by DNS."
    )
    ingress_port: int = Field(8080, description="TCP port in the public addresses of the environments.")
    repository: PlaceOrName = Field(
        "", description="Git repository (path or URL) of the application that is released. Default: this checkout."
    )
    application: str = Field(
        "azora",
        description="Name of the application, as in its deployments/application.yaml.",
        pattern=r"^[a-z][a-z0-9-]*$",
    )
    branch: str = Field(
        "main",
        description="The main branch: a plan shows whether its commit is on it, and the nightly run releases its newest commit to staging.",
    )
    git_fetch_timeout_seconds: Seconds = Field(
        1800.0,
        description="Time limit of a fetch from the repository, in seconds; the first one has its whole history.",
        gt=0,
    )
    git_timeout_seconds: Seconds = Field(
        300.0, description="Time limit of every other Git command, in seconds, as the export of a commit.", gt=0
    )
    environments: Place = Field(
        ROOT / "deployments/environments",
        description="Folder of environment files; never taken from the released commit.",
    )
    test_variables: str = Field(
        "",
        description="Names of the worker's variables that a commit's tests and suites receive, separated by spaces; `*` stands for any text.",
    )
    sandbox: Literal["auto", "off"] = Field(
        "auto",
        description="`auto`: a commit's tests and suites run in a sandbox. `off`: with all that the worker's user may do.",
    )
    base_image: str = Field("", description="Base image for the services' Dockerfiles (build argument BASE).")
    reports_url: str = Field(
        "http://127.0.0.1:4280", description="Address of the report server; links in artifacts start with it."
    )
    reports_auth_string: SecretStr = Field(
        SecretStr(""),
        description="`user:password` with which people read the report server; links need none.",
    )
    reports_key: SecretStr = Field(
        SecretStr(""), description="Key with which links to reports are signed, 32 letters or more."
    )
    reports_key_file: Place | None = Field(
        None, description="File with that key, such as a mounted Secret. Default `<state>/reports-key`, if it exists."
    )
    reports_link_days: Days | None = Field(
        None, description="Lifetime of a link to a report, in days. Default: `AZORA_KEEP_REPORTS_DAYS`.", gt=0
    )
    reports_viewer_url: str = Field(
        "",
        description="Address of the report server's trace viewer, another origin than `AZORA_REPORTS_URL`; empty: no viewer.",
    )
    reports_upload: bool = Field(
        False,
        description="The report server is another machine: workers upload reports to it, and it accepts uploads.",
    )
    helm: PlaceOrName = Field("helm", description="Helm 4 program.")
    helm_timeout_seconds: int = Field(
        3600, description="Hard limit of one Helm command, in seconds; above every environment's install_minutes.", ge=1
    )
    api_timeout_seconds: Seconds = Field(10.0, description="Limit of one Kubernetes API request, in seconds.", gt=0)
    notify: SecretStr = Field(
        SecretStr(""), description="Addresses for notifications in apprise's form, separated by white space."
    )
    notify_file: Place | None = Field(
        None, description="File with more addresses, one per line, such as a mounted Secret. Default `<state>/notify`."
    )
    notify_timeout_seconds: Seconds = Field(
        10.0, description="Time limit for sending one notification to all addresses, in seconds.", gt=0
    )
    grafana_url: str = Field("", description="Address of the Grafana where each switch is marked. Default: none.")
    grafana_token: SecretStr = Field(
        SecretStr(""), description="Token of a Grafana service account that may create annotations."
    )
    grafana_token_file: Place | None = Field(
        None, description="File with that token, such as a mounted Secret. Default `<state>/grafana-token`."
    )

    keep_at_least_hours: Hours = Field(
        24, description="Minimum age for pruning, in hours; it precedes all other limits.", gt=0
    )
    keep_images: int = Field(
        40, description="Number of versions of each image that the registry keeps besides needed ones.", ge=1
    )
    keep_images_days: Days = Field(30, description="Maximum age of an unneeded image in the registry, in days.", gt=0)
    keep_reports: int = Field(100, description="Number of run folders (reports and logs) to keep.", ge=1)
    keep_reports_days: Days = Field(30, description="Maximum age of a run folder, in days.", gt=0)
    keep_exports: int = Field(20, description="Number of commit exports to keep, per purpose.", ge=1)
    keep_exports_days: Days = Field(14, description="Maximum age of an export since its last use, in days.", gt=0)
    keep_layers_days: Days = Field(30, description="Maximum age of a build cache layer, in days.", gt=0)
    keep_prefect_runs: int = Field(200, description="Number of finished runs to keep in Prefect, per flow.", ge=1)
    keep_prefect_days: Days = Field(90, description="Maximum age of a finished run in Prefect, in days.", gt=0)
    registry_sweep: str = Field(
        "",
        description="Command that frees the registry's unused blobs after images were removed; empty: the registry does so itself.",
    )

    @property
    def state_folder(self) -> Path:
        return self.state or Path.home() / ".local/state/azora" / self.node

    @property
    def runs_folder(self) -> Path:
        return self.state_folder / "runs"

    @property
    def kubeconfig_file(self) -> Path | None:
        """None means kubectl's own rules (KUBECONFIG, ~/.kube/config)."""
        if self.kubeconfig or self.kube_context:
            return self.kubeconfig
        return self.state_folder / "kubeconfig"

    @property
    def is_the_embedded_node(self) -> bool:
        """Return True when the embedded node wrote these settings."""
        context = node_environment(self.node).get("AZORA_KUBE_CONTEXT")
        return context is not None and context == self.kube_context

    @property
    def node_is_down(self) -> bool:
        """Return True for the embedded node without its link: requests would leave the machine."""
        return self.is_the_embedded_node and not Path("/sys/class/net", str(self.kube_context)).exists()

    @property
    def repository_location(self) -> str:
        return self.repository or str(ROOT)


def node_environment(node: str) -> dict[str, str]:
    """The variables that the embedded node *node* wrote when it started; empty when there is none."""
    file = Path.home() / ".local/state/azora" / node / "env"
    if not file.is_file():
        return {}
    pairs = (line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    return dict(pairs)


def _adopt(written: dict[str, str]) -> None:
    """Set the variables that the node wrote, where unset; its auth string is for its own Prefect alone."""
    own = written.get("PREFECT_API_URL")
    elsewhere = os.environ.get("PREFECT_API_URL", own) != own
    for key, value in written.items():
        if not (elsewhere and key == "PREFECT_API_AUTH_STRING"):
            os.environ.setdefault(key, value)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Settings of this process: variables, then the settings file or the node's file, then defaults."""
    if not {VARIABLE, "AZORA_KUBE_CONTEXT"} & os.environ.keys():
        _adopt(node_environment(os.environ.get("AZORA_NODE", "demo")))
    try:
        found = Settings()
    except ValidationError as error:
        raise _unusable(error.errors()) from None
    _remember_secrets(found)
    return found


def _remember_secrets(found: Settings) -> None:
    """Mask the credentials of settings and variables; gateways remember what they read themselves."""
    for pair in (found.reports_auth_string.get_secret_value(), os.environ.get("PREFECT_API_AUTH_STRING", "")):
        remember_auth_string(pair)
    remember(found.grafana_token.get_secret_value().strip())
    for address in found.notify.get_secret_value().split():
        remember_address(address)
    for url in (found.repository, found.grafana_url, found.reports_url, os.environ.get("PREFECT_API_URL", "")):
        remember_login_of(url)


def _unusable(errors: list[ErrorDetails]) -> BadInput:
    """Error for variables that are wrong, or else for keys of the file."""
    told = {f"AZORA_{str(one['loc'][0]).upper()}": one["msg"] for one in errors}
    variables = {name: said for name, said in told.items() if name in os.environ}
    if (file := settings_file()) and not variables:
        return wrong_keys(file, errors)
    wrong = "; ".join(f"{name}: {said}" for name, said in (variables or told).items())
    return BadInput(f"could not read the settings: {wrong}", advice="docs/configuration.md lists them")
