"""Register, log in, log out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from web.platform import Refused
from web.site import Asking, Form, Pages, Who, go, local
from web.wording import in_words

router = APIRouter()

Next = Annotated[str, Query(alias="next")]


@router.get("/register")
async def ask_to_register(request: Request, pages: Pages, who: Who, then: Next = "/") -> Response:
    if who:
        return go(local(then))
    return pages.page(request, "register.html", visitor=who, name="", email="", then=local(then), error="", fields={})


@router.post("/register")
async def register(request: Request, pages: Pages, platform: Asking, form: Form) -> Response:
    name, email, password = (str(form.get(field, "")) for field in ("name", "email", "password"))
    target = local(str(form.get("next", "/")))
    try:
        await platform.register(name, email, password)
        login = await platform.log_in(email, password)
    except Refused as refused:
        return pages.page(
            request, "register.html", visitor=None, status=refused.status, name=name, email=email, then=target,
            error="Check what is marked." if refused.fields else refused.detail, fields=in_words(refused.fields),
        )  # fmt: skip
    return pages.logged_in(request, go(target), login)


@router.get("/login")
async def ask_to_log_in(request: Request, pages: Pages, who: Who, then: Next = "/") -> Response:
    if who:
        return go(local(then))
    return pages.page(request, "login.html", visitor=who, email="", then=local(then), error="")


@router.post("/login")
async def log_in(request: Request, pages: Pages, platform: Asking, form: Form) -> Response:
    email, target = str(form.get("email", "")), local(str(form.get("next", "/")))
    try:
        login = await platform.log_in(email, str(form.get("password", "")))
    except Refused as refused:
        error = "E-mail address or password is wrong." if refused.code == "invalid" else refused.detail
        return pages.page(
            request, "login.html", visitor=None, status=refused.status, email=email, then=target, error=error
        )
    return pages.logged_in(request, go(target), login)


@router.post("/logout")
async def log_out(pages: Pages, platform: Asking, _: Form) -> Response:
    await platform.log_out()
    return pages.logged_out(go("/"))
