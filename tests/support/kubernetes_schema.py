"""Objects as the Kubernetes API takes them, checked by the strict models of its client."""

from __future__ import annotations

from kubernetes import client

from tests.support.rendering import Object


def checked(found: Object) -> None:
    """Raise ValidationError for a key or a type that the Kubernetes API does not have.

    The client's models are strict.
    """
    version = found["apiVersion"].rpartition("/")[2]
    getattr(client, f"{version.capitalize()}{found['kind']}").model_validate(found)
