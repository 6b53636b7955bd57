"""The id of an upload in parts: all that is known of it, signed, so that no gateway has to remember any."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

import jwt

from messages.datapackage import BlobRef
from messages.settings import StoreSettings

_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload that is under way: `blob` where and how long the whole will be, `upload` the store's name for it,
    `part_size` the bytes of every part but the last."""

    blob: BlobRef
    upload: str
    part_size: int

    @property
    def ownerid(self) -> str:
        return self.blob.key.partition("/")[0]

    @property
    def count(self) -> int:
        """How many parts it has."""
        return -(-self.blob.size // self.part_size)

    def size_of(self, number: int) -> int:
        """Bytes of a part, the first is 1."""
        return min(self.part_size, self.blob.size - (number - 1) * self.part_size)


class UploadIds:
    """Writes and reads ids. The key is made of the store's secret: whoever has that needs no id."""

    def __init__(self, store: StoreSettings) -> None:
        self._bucket = store.raw_bucket
        self._key = hmac.digest(store.secret_key.encode(), b"ids of uploads in parts", "sha256")

    def write(self, upload: OpenUpload) -> str:
        """The id, good as long as the store knows the upload; safe in a path."""
        claims = {"k": upload.blob.key, "n": upload.blob.size, "p": upload.part_size, "u": upload.upload}
        return jwt.encode(claims, self._key, _ALGORITHM)

    def read(self, text: str) -> OpenUpload | None:
        """The upload of an id; None for what is none of ours."""
        try:
            claims: dict[str, Any] = jwt.decode(text, self._key, algorithms=[_ALGORITHM])
        except jwt.InvalidTokenError:
            return None
        blob = BlobRef(bucket=self._bucket, key=claims["k"], size=claims["n"])
        return OpenUpload(blob, claims["u"], claims["p"])
