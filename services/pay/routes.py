"""Cart, orders, payments."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert

from common.database import Database
from common.problems import Problem
from common.sessions import SignedIn
from common.siblings import Sibling
from pay import checkout
from pay.cart import cart, take_out
from pay.cart import purchases as bought
from pay.models import CartItemRow
from pay.payments import Card, CardDeclined, CardInvalid
from pay.provider import Provider
from pay.settlement import catch_up, one_at_a_time

router = APIRouter(prefix="/pay", tags=["pay"])


class Item(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    course_slug: str = Field(description="The course's name in addresses.")
    title: str = Field(description="Its name for people.")
    price_cents: int = Field(description="What it costs, in cents.")


class Cart(BaseModel):
    items: list[Item] = Field(description="Oldest first.")
    total_cents: int = Field(description="What all of it costs, in cents.")
    currency: str = Field(description="Three small letters, ISO 4217.")


class Order(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="The same for good.")
    status: str = Field(description="`open` or `paid`.")
    amount_cents: int = Field(description="What all of it costs, in cents.")
    currency: str = Field(description="Three small letters, ISO 4217.")
    card_last4: str | None = Field(description="The last digits of the card it was paid with.")
    paid_at: datetime | None = Field(description="When it was paid.")
    items: list[Item] = Field(description="By title.")


def _digits(value: object) -> object:
    return value.replace(" ", "").replace("-", "") if isinstance(value, str) else value


class CardEntry(BaseModel):
    number: Annotated[SecretStr, BeforeValidator(_digits)] = Field(
        min_length=13, max_length=19, description="Spaces and dashes are ignored. Never stored."
    )
    exp_month: int = Field(ge=1, le=12, description="Month in which the card expires.")
    exp_year: int = Field(ge=2024, le=2099, description="Year in which it does, with four digits.")
    cvc: Annotated[str, StringConstraints(pattern=r"^\d{3,4}$")] = Field(
        repr=False, description="Its security code. Never stored."
    )
    amount_cents: int | None = Field(
        None, description="What the person was told the order costs; when it costs something else, nothing is paid."
    )

    def card(self) -> Card:
        return Card(self.number.get_secret_value(), self.exp_month, self.exp_year, self.cvc)


class CourseForSale(BaseModel):
    slug: str
    title: str
    price_cents: int


def _edu(request: Request) -> Sibling:
    found: Sibling = request.app.state.edu
    return found


def _provider(request: Request) -> Provider:
    found: Provider = request.app.state.provider
    return found


Stripe = Annotated[Provider, Depends(_provider)]
Slug = Annotated[str, Path(description="The course's name in addresses.")]
OrderId = Annotated[UUID, Path(description="The order's id.")]


def _course(slug: Slug, edu: Annotated[Sibling, Depends(_edu)]) -> CourseForSale:
    answer = edu.get(f"/edu/courses/{slug}")
    if answer.status_code == 404:
        raise Problem(404, "no_such_course", "There is no such course.")
    answer.raise_for_status()
    return CourseForSale.model_validate_json(answer.content)


def _engine(request: Request) -> Engine:
    found: Engine = request.app.state.engine
    return found


# Not a session: a dependency that held a connection would wait for a thread to go on in, behind those who have one and
# wait for a connection.
Pool = Annotated[Engine, Depends(_engine)]


@router.get("/cart", summary="What is in the cart")
def show_cart(account: SignedIn, database: Database) -> Cart:
    items = [Item.model_validate(row) for row in cart(database, account.id)]
    return Cart(items=items, total_cents=sum(item.price_cents for item in items), currency=checkout.CURRENCY)


@router.put("/cart/{slug}", status_code=204, summary="Put a course into the cart")
def put_into_cart(course: Annotated[CourseForSale, Depends(_course)], account: SignedIn, database: Database) -> None:
    if course.price_cents == 0:
        raise Problem(409, "free", "This course is free: enroll in it.")
    if course.slug in bought(database, account.id):
        raise Problem(409, "bought_already", "You have bought this course.")
    values = {"title": course.title, "price_cents": course.price_cents}
    row = insert(CartItemRow).values(account_id=account.id, course_slug=course.slug, **values)
    keys = [CartItemRow.account_id, CartItemRow.course_slug]
    database.execute(row.on_conflict_do_update(index_elements=keys, set_=values))
    database.commit()


@router.delete("/cart/{slug}", status_code=204, summary="Take a course out of the cart")
def take_out_of_cart(slug: Slug, account: SignedIn, database: Database) -> None:
    take_out(database, account.id, {slug})
    database.commit()


@router.post("/orders", summary="Begin to check out; repeating it gives the same order")
def begin(account: SignedIn, engine: Pool, provider: Stripe) -> Order:
    with one_at_a_time(engine, account.id) as database:
        return Order.model_validate(checkout.open_order(database, provider, account.id))


@router.get("/orders/{order_id}", summary="An order")
def show_order(order_id: OrderId, account: SignedIn, engine: Pool, provider: Stripe, database: Database) -> Order:
    catch_up(engine, provider, account.id)
    return Order.model_validate(checkout.own_order(database, account.id, order_id))


@router.post("/orders/{order_id}/payment", summary="Pay an order; a paid one is never charged again")
def pay(order_id: OrderId, card: CardEntry, account: SignedIn, engine: Pool, provider: Stripe) -> Order:
    try:
        with one_at_a_time(engine, account.id) as database:
            order = checkout.own_order(database, account.id, order_id)
            return Order.model_validate(checkout.pay(database, provider, order, card.card(), card.amount_cents))
    except CardDeclined as error:
        raise Problem(402, "card_declined", str(error)) from error
    except CardInvalid as error:
        raise Problem(422, "card_invalid", str(error)) from error


@router.get("/purchases", summary="The courses I bought")
def purchases(account: SignedIn, engine: Pool, provider: Stripe, database: Database) -> list[str]:
    catch_up(engine, provider, account.id)
    return sorted(bought(database, account.id))
