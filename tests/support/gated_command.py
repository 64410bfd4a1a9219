"""`azora` as a person or an administrator runs it against a gated environment; Prefect is down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from azora.host.process import clean_environment
from tests.support.gated import Gated

AZORA = Path(sys.executable).parent / "azora"


def azora(shop: Gated, user: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as *user* (empty: the administrator) with that person's kubeconfig."""
    folder = shop.server.folder / f"files-of-{shop.environment.name}"
    folder.mkdir(exist_ok=True)
    content = shop.environment.model_dump(mode="json", exclude={"name", "context", "branch", "proof"})
    (folder / f"{shop.environment.name}.yaml").write_text(yaml.safe_dump(content))
    env = clean_environment(
        AZORA_APPLICATION="shop",
        AZORA_ENVIRONMENTS=str(folder),
        AZORA_IDENTITIES=str(shop.server.folder),
        AZORA_KUBECONFIG=str(shop.server.kubeconfig(user, *(["system:authenticated"] if user else []))),
        AZORA_STATE_FOLDER=str(shop.server.folder / "state"),
        HOME=str(folder),
        PREFECT_API_URL="http://127.0.0.1:9/api",
    )
    return subprocess.run([AZORA, *words], env=env, capture_output=True, text=True, check=False, timeout=120)
