"""Cart, checkout, receipt."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from web.platform import Refused
from web.site import Asking, Form, Pages, Who, go
from web.wording import in_words

router = APIRouter()

_CARD_FIELDS = ("number", "exp_month", "exp_year", "cvc")
_TRY_AGAIN = (402, 409, 422)  # declined; changed, or being paid; not valid


@router.get("/cart")
async def cart(request: Request, pages: Pages, platform: Asking, who: Who) -> Response:
    return pages.page(request, "cart.html", visitor=who, cart=await platform.cart())


@router.post("/cart/{slug}")
async def put_into_cart(slug: str, platform: Asking, _: Form) -> Response:
    try:
        await platform.put_into_cart(slug)
    except Refused as refused:
        if refused.code in ("bought_already", "free"):
            return go(f"/courses/{slug}")
        raise
    return go("/cart")


@router.post("/cart/{slug}/remove")
async def take_out_of_cart(slug: str, platform: Asking, _: Form) -> Response:
    await platform.take_out_of_cart(slug)
    return go("/cart")


@router.post("/checkout")
async def check_out(platform: Asking, _: Form) -> Response:
    try:
        order = await platform.check_out()
    except Refused as refused:
        if refused.code == "cart_empty":
            return go("/cart")
        raise
    return go(f"/checkout/{order.id}")


@router.get("/checkout/{order_id}")
async def ask_to_pay(request: Request, order_id: str, pages: Pages, platform: Asking, who: Who) -> Response:
    order = await platform.order(order_id)
    if order.status == "paid":
        return go(f"/receipt/{order.id}")
    return pages.page(request, "checkout.html", visitor=who, order=order, error="", fields={})


@router.post("/checkout/{order_id}")
async def pay(request: Request, order_id: str, pages: Pages, platform: Asking, who: Who, form: Form) -> Response:
    entered = {field: str(form.get(field, "")) for field in _CARD_FIELDS}
    if agreed := form.get("amount_cents"):  # pages of older releases do not say
        entered["amount_cents"] = str(agreed)
    try:
        order = await platform.pay(order_id, entered)
    except Refused as refused:
        if refused.status not in _TRY_AGAIN:
            raise
        error = "Check the card's data." if refused.fields else refused.detail
        order = await platform.order(order_id)
        return pages.page(
            request, "checkout.html", visitor=who, status=refused.status, order=order, error=error,
            fields=in_words(refused.fields),
        )  # fmt: skip
    return go(f"/receipt/{order.id}")


@router.get("/receipt/{order_id}")
async def receipt(request: Request, order_id: str, pages: Pages, platform: Asking, who: Who) -> Response:
    order = await platform.order(order_id)
    if order.status != "paid":
        return go(f"/checkout/{order.id}")
    return pages.page(request, "receipt.html", visitor=who, order=order)
