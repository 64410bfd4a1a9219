"""Variables that a child process gets, by name: others of the worker change nothing.

`HELM_DRIVER`, `GIT_CONFIG_COUNT`, `BUILDAH_FORMAT` and their like would.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

_ALWAYS = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
)
# Logins of clouds: for the programs that kubeconfigs, registries and Git hosts name as theirs.
CLOUD = ("AWS_*", "AZURE_*", "ARM_*", "AAD_*", "GOOGLE_*", "CLOUDSDK_*", "KUBERNETES_SERVICE_*", "USE_GKE_*")
GIT = (*CLOUD, "SSH_AUTH_SOCK", "SSH_ASKPASS", "GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_*", "GCM_*")
REGISTRY = (*CLOUD, "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME")
BUILDS = (*REGISTRY, "CONTAINERS_STORAGE_CONF", "CONTAINERS_CONF", "CONTAINERS_REGISTRIES_CONF", "_CONTAINERS_*")
PACKAGES = ("PIP_*", "UV_*", "npm_config_*", "NPM_CONFIG_*", "PLAYWRIGHT_*", "GOPROXY", "GONOSUMDB", "GOPRIVATE")


def child_environment(*allowed: str, **more: str) -> dict[str, str]:
    """Variables for a child: the usual ones, those whose name matches one of *allowed*, and *more*."""
    names = (*_ALWAYS, *allowed)
    return {key: value for key, value in os.environ.items() if any(fnmatchcase(key, name) for name in names)} | more
