"""Write the boards' JSON beside their source: python -m deployments.monitoring.boards"""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deployments.monitoring.boards import platform, release

BOARDS = {"release": release.build, "platform": platform.build}
FOLDER = Path(__file__).parent


def written(board: Dashboard) -> str:
    """Text of a board in the form that Grafana imports."""
    return json.dumps(board.build(), cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, build in BOARDS.items():
        (FOLDER / f"{name}.json").write_text(written(build()))
