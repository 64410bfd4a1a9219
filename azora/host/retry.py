"""Wait out what may be gone in a moment, where Prefect's own retries do not reach."""

from __future__ import annotations

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from azora.errors import TransientError

retried = retry(
    retry=retry_if_exception_type(TransientError),
    stop=stop_after_delay(60),
    wait=wait_exponential(multiplier=0.2, max=5),
    reraise=True,
)
