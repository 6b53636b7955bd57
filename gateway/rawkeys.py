"""Where uploads lie: `{ownerid}/{hash}{.ext}` in the raw bucket, and back from an address to its key.

The key holds nothing that the publisher wrote but a short extension, so no name of theirs can lead anywhere else. It
begins with the owner: the same bytes of two owners are two objects, and nobody learns what others have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from messages.datapackage import BlobRef
from messages.settings import StoreSettings

_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}(?:\.(?:gz|zip))?$")
_KEY = re.compile(r"([0-9a-f]{32})/((?:[0-9a-f]{32}){1,2})((?:\.[a-z0-9]{1,8}){0,2})")


@dataclass(frozen=True, slots=True)
class RawKey:
    """A key taken apart; `digest` is a SHA-256 (64 digits) or, from clients that give none, an MD5 (32)."""

    ownerid: str
    digest: str
    extension: str

    @override
    def __str__(self) -> str:
        return f"{self.ownerid}/{self.digest}{self.extension}"

    @property
    def sha256(self) -> str | None:
        return self.digest if len(self.digest) == 64 else None

    @property
    def md5(self) -> str | None:
        return self.digest if len(self.digest) == 32 else None


def raw_key(ownerid: str, digest: str, path: str) -> RawKey:
    """The key for a file of this owner; the extension helps people who look into the bucket, nothing else."""
    extension = _EXTENSION.search(path.rpartition("/")[2].lower())
    return RawKey(ownerid, digest, extension[0] if extension else "")


def read_key(key: str) -> RawKey | None:
    """The parts of a raw key; None where it is none."""
    match = _KEY.fullmatch(key)
    return RawKey(match[1], match[2], match[3]) if match else None


def content_of(blob: BlobRef) -> str:
    """What an upload is, whatever it is called: the hash in its key (as `content_of` in the database says it)."""
    key = read_key(blob.key)
    return key.digest if key else blob.sha256 or blob.key


def locate(url: str, store: StoreSettings, buckets: Sequence[str]) -> BlobRef | None:
    """The object of our store that a URL (signed or not) points at; None for any other URL. Nothing is asked."""
    try:
        target = urlsplit(url)
    except ValueError:
        return None
    for base in (urlsplit(store.public_url), urlsplit(store.endpoint_url)):
        if (target.scheme, target.netloc) != (base.scheme, base.netloc):
            continue
        path = unquote(target.path)
        for bucket in buckets:
            prefix = f"{base.path}/{bucket}/"
            key = path.removeprefix(prefix)
            # A store may resolve `..` and `//` to another key than the one that was looked at here.
            if path.startswith(prefix) and not {"", ".", ".."} & set(key.split("/")):
                return BlobRef(bucket=bucket, key=key, size=0)
    return None


def address_of(key: RawKey, store: StoreSettings) -> str:
    """The unsigned address of an upload."""
    return f"{store.public_url}/{store.raw_bucket}/{key}"
