"""Description of a service's API: FastAPI's own, with the problems that every operation may answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field


class FieldError(BaseModel):
    """One field that is not valid."""

    field: str = Field(description="Its name in the request.")
    message: str = Field(description="What it has to be.")


class ProblemBody(BaseModel):
    """RFC 9457: what went wrong."""

    type: str = Field(description="Always `about:blank`: the status says what kind it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The status of the answer.")
    code: str = Field(description="A word to tell this problem from others with the same status.")
    detail: str = Field(description="What went wrong, for people.")
    request_id: str = Field(description="Names this request in every service's log.")
    errors: list[FieldError] | None = Field(None, description="Which fields are not valid.")


_ANY_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "It did not work; `code` says why.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
}


def _describe_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """*schema* (OpenAPI) with what every error looks like."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    found = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own: here it is a problem as well
        schemas.pop(name, None)
    schemas |= found.pop("$defs", {}) | {"ProblemBody": found}
    for operation in (o for path in schema["paths"].values() for o in path.values()):
        operation["responses"].pop("422", None)
        operation["responses"] |= _ANY_PROBLEM
    return schema


class DescribedAPI(FastAPI):
    """A FastAPI whose description tells how its errors look."""

    def openapi(self) -> dict[str, Any]:
        return _describe_problems(super().openapi())
