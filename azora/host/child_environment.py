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
# Where packages are, for a commit's tests. Only what reads is named: whoever may publish has its token in variables of the same tools.
_UV = (
    "INDEX",
    "INDEX_*",
    "DEFAULT_INDEX",
    "EXTRA_INDEX_URL",
    "FIND_LINKS",
    "INSECURE_HOST",
    "KEYRING_PROVIDER",
    "CONFIG_FILE",
    "OFFLINE",
    "NATIVE_TLS",
    "SYSTEM_CERTS",
    "HTTP_*",
    "CONCURRENT_*",
    "PYTHON",
    "PYTHON_*",
    "NO_*",
    "LINK_MODE",
    "EXCLUDE_NEWER",
)
_NPM = (
    "registry",
    "@*:registry",
    "proxy",
    "http_proxy",
    "https_proxy",
    "noproxy",
    "ca",
    "cafile",
    "strict_ssl",
    "fetch_*",
    "maxsockets",
)
_PLAYWRIGHT = ("BROWSERS_PATH", "DOWNLOAD_*", "*_DOWNLOAD_HOST", "SKIP_*", "HOST_PLATFORM_OVERRIDE", "NODEJS_PATH")
PACKAGES = (
    *("PIP_*", *(f"UV_{name}" for name in _UV), *(f"PLAYWRIGHT_{name}" for name in _PLAYWRIGHT)),
    *(f"npm_config_{name}" for name in _NPM),
    *(f"NPM_CONFIG_{name.upper()}" for name in _NPM),
    *("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE"),
)


def child_environment(*allowed: str, **more: str) -> dict[str, str]:
    """Variables for a child: the usual ones, those whose name matches one of *allowed*, and *more*."""
    names = (*_ALWAYS, *allowed)
    return {key: value for key, value in os.environ.items() if any(fnmatchcase(key, name) for name in names)} | more
