"""Record of the images that Azora built: the ConfigMap `azora-built`, out of a registry's reach."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from azora.core.release.built_images import added, digest_in, removed
from azora.gateways.kubernetes.record_store import RecordStore

BUILT = "azora-built"


class BuiltImages:
    """The images in *record*; every method reads it anew."""

    def __init__(self, record: RecordStore) -> None:
        self._record = record

    def entries(self) -> dict[str, str]:
        """All of them, as `core.release.built_images` reads them."""
        return self._record.config_map(BUILT)

    def digest(self, image: str, tag: str) -> str | None:
        """Digest that Azora pushed as *tag* of *image*; None where that is not known."""
        return digest_in(self.entries(), image, tag)

    def add(self, image: str, tag: str, digest: str) -> None:
        """Record what Azora itself pushed; beyond the limit the oldest are forgotten."""
        self._record.write_config_map(BUILT, added(self.entries(), image, tag, digest, datetime.now(UTC)))

    def forget(self, names: Collection[str]) -> None:
        """Remove the images called one of *names*, which their registry has no more."""
        if gone := removed(self.entries(), names):
            self._record.write_config_map(BUILT, gone)
