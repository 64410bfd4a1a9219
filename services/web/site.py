"""Making of a page: templates, the stylesheet by its content, cookies, forms that cannot be forged."""

from __future__ import annotations

import hmac
import re
import secrets
import zlib
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.datastructures import FormData

from common.problems import Problem
from web.assets import Assets
from web.platform import Login, Platform, Visitor
from web.settings import Settings

HERE = Path(__file__).parent
BANNER = (HERE / "banner.txt").read_text().strip()

_SESSION = "azora_session"
_CSRF = "azora_csrf"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_COVERS = 11


def _price(cents: int) -> str:
    return "Free" if cents == 0 else f"€{cents / 100:.2f}"


def _cover(slug: str) -> int:
    """Number of the stylesheet's cover for a course."""
    return zlib.crc32(slug.encode()) % _COVERS


def _duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


def _prose(text: str) -> Markup:
    """*text* with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


class Site:
    def __init__(self, settings: Settings, assets: Assets) -> None:
        self._secure = settings.cookie_secure
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"price": _price, "cover": _cover, "duration": _duration, "prose": _prose}
        self._templates.globals |= {
            "banner": BANNER,
            "asset": assets.address,
            "release": settings.azora_release,
            "color": settings.azora_color,
        }

    def page(
        self, request: Request, template: str, *, visitor: Visitor | None, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """The page, with a token in its forms that only this browser has."""
        token = request.cookies.get(_CSRF) or secrets.token_urlsafe(24)
        html = self._templates.get_template(template).render(
            visitor=visitor, csrf=token, path=request.url.path, **values
        )
        # What is somebody's must not be there after they logged out, not even for the browser's way back.
        kept = "no-store" if visitor else "private, no-cache"
        headers = {"content-security-policy": _POLICY, "cache-control": kept, "vary": "Cookie"}
        response = HTMLResponse(html, status, headers)
        if request.cookies.get(_CSRF) != token:
            self._set(request, response, _CSRF, token, None)
        return response

    def logged_in(self, request: Request, response: Response, login: Login) -> Response:
        self._set(request, response, _SESSION, login.token, login.expires_in)
        return response

    def logged_out(self, response: Response) -> Response:
        response.delete_cookie(_SESSION)
        return response

    def _set(self, request: Request, response: Response, name: str, value: str, max_age: int | None) -> None:
        # A forged X-Forwarded-Proto costs nobody but its sender.
        secure = self._secure or request.headers.get("x-forwarded-proto") == "https"
        response.set_cookie(name, value, max_age=max_age, secure=secure, httponly=True, samesite="lax")


def go(path: str) -> RedirectResponse:
    """Look at *path* next. Relative, so that it holds behind any host and port."""
    return RedirectResponse(path, 303)


def local(path: str | None) -> str:
    """*path* when it is one of ours, else the start page."""
    return path if path and path.startswith("/") and path[1:2] not in ("/", "\\") else "/"


def _site(request: Request) -> Site:
    found: Site = request.app.state.site
    return found


def _platform(request: Request) -> Platform:
    return Platform(request.app.state.api, request.cookies.get(_SESSION))


async def _visitor(platform: Annotated[Platform, Depends(_platform)]) -> Visitor | None:
    return await platform.visitor()


async def _form(request: Request) -> FormData:
    """Form that was sent from one of our pages to this browser.

    The browser's own header confirms that, as does the token that page and browser both hold.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "foreign_form", "This form was sent from another site.")
    form = await request.form(max_files=0, max_fields=30)
    expected, given = request.cookies.get(_CSRF, ""), str(form.get("csrf", ""))
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise Problem(403, "stale_form", "This form is not from a page of yours, or too old. Go back and try again.")
    return form


Pages = Annotated[Site, Depends(_site)]
Asking = Annotated[Platform, Depends(_platform)]
Who = Annotated[Visitor | None, Depends(_visitor)]
Form = Annotated[FormData, Depends(_form)]
