"""localstripe on IPv4, where its own command wants IPv6."""

from aiohttp import web
from localstripe.server import app

web.run_app(app, host="0.0.0.0", port=8420, print=None)  # noqa: S104 - the pod's own address
