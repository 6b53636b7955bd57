"""The receipt of a push, proven and kept in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.client.datahub import DataHub
from gateway.client.failures import RequestFailure, ServerFailure
from gateway.client.verification import require_pushed
from gateway.receipt import BadReceipt, read_receipt
from tabular.hashing import Digest


async def keep_receipt(hub: DataHub, flow: str, digests: Mapping[str, Digest], path: Path) -> None:
    """Fetch the receipt of a flow into a file, once it is seen to be signed and to speak of these very files.

    Raises ServerFailure for a receipt that is neither, RequestFailure where the file cannot be written.
    """
    text = await hub.receipt(flow)
    try:
        require_pushed(read_receipt(text, await hub.receipt_keys()), digests)
    except BadReceipt as error:
        raise ServerFailure(f"the server's receipt proves nothing: {error}") from None
    try:
        path.write_text(f"{text}\n", encoding="ascii")
    except OSError as error:
        raise RequestFailure(f"the revision is published, but {path} cannot be written: {error.strerror}") from None
