"""Receipts: what a revision consists of, byte for byte, signed by the server that published it.

A receipt is a compact JWS (RFC 7515) with the claims of a JWT; whatever knows EdDSA and the server's published keys
verifies it, today or in ten years. Used by the gateway, which signs, and by `dh verify`, which believes nobody.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from tabular import strictjson
from tabular.canonical import canonical_sha256

TYPE = "receipt+jwt"
ALGORITHM = "EdDSA"
LONGEST = 64_000_000


class BadReceipt(Exception):
    """It proves nothing; the message says why in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Bytes: how many, and their SHA-256 in hex. `path` is in the package, or under the revision's address."""

    path: str
    size: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        return {"path": self.path, "bytes": self.size, "sha256": self.sha256}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Proof:
        return cls(path=str(data["path"]), size=int(data["bytes"]), sha256=str(data["sha256"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceProof:
    """A resource: the file as it was pushed, and by its role every file that was published of it."""

    name: str
    pushed: Proof
    published: Mapping[str, Proof]

    def to_dict(self) -> dict[str, Any]:
        published = {role: proof.to_dict() for role, proof in self.published.items()}
        return {"name": self.name, "pushed": self.pushed.to_dict(), "published": published}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ResourceProof:
        published = {str(role): Proof.from_dict(proof) for role, proof in data["published"].items()}
        return cls(name=str(data["name"]), pushed=Proof.from_dict(data["pushed"]), published=published)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is signed of one revision; `moment` is when it was published, in seconds since 1970.

    `descriptor` is the hash of the posted one, `content` that of the published one wherever its files lie, `readme`
    that of the text beside both (see the functions below); `manifest` are the bytes of the published datapackage.json.
    """

    issuer: str
    ownerid: str
    owner: str
    dataset: str
    revision: int
    moment: int
    descriptor: str
    content: str
    readme: str | None
    manifest: Proof
    resources: tuple[ResourceProof, ...]

    @property
    def address(self) -> str:
        """Where the revision is on its server; the paths of what was published follow after a slash."""
        return f"/{self.ownerid}/{self.dataset}/{self.revision}"

    def claims(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "iss": self.issuer,
            "sub": self.address.removeprefix("/"),
            "iat": self.moment,
            "owner": self.owner,
            "dataset": self.dataset,
            "revision": self.revision,
            "descriptor": {"pushed": self.descriptor, "published": self.content, "readme": self.readme},
            "manifest": self.manifest.to_dict(),
            "resources": [resource.to_dict() for resource in self.resources],
        }

    @classmethod
    def of_claims(cls, claims: Mapping[str, Any]) -> Receipt:
        """The receipt that these claims are; raises BadReceipt where they are none."""
        try:
            ownerid, dataset, revision = claims["sub"].split("/")
            said = claims["descriptor"]
            return cls(
                issuer=str(claims["iss"]),
                ownerid=ownerid,
                owner=str(claims["owner"]),
                dataset=dataset,
                revision=int(revision),
                moment=int(claims["iat"]),
                descriptor=str(said["pushed"]),
                content=str(said["published"]),
                readme=said["readme"],
                manifest=Proof.from_dict(claims["manifest"]),
                resources=tuple(ResourceProof.from_dict(each) for each in claims["resources"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BadReceipt("the receipt is signed and says nothing that this program understands") from None


def pushed_hash(descriptor: Mapping[str, Any]) -> str:
    """The hash of a posted descriptor without its readme, which is a file of its own on disk."""
    return canonical_sha256({name: value for name, value in descriptor.items() if name != "readme"})


def content_hash(package: Mapping[str, Any]) -> str:
    """The hash of a published descriptor without its readme and the paths of its files: they differ where it lies."""
    resources = [{name: value for name, value in each.items() if name != "path"} for each in package["resources"]]
    return pushed_hash({**package, "resources": resources})


def readme_hash(readme: object) -> str | None:
    """The hash of a readme; None where there is none."""
    return hashlib.sha256(readme.encode()).hexdigest() if isinstance(readme, str) and readme else None


def read_receipt(text: str, keys: Mapping[str, Any]) -> Receipt:
    """The receipt that was signed with one of the `keys` (a JWK set, RFC 7517); raises BadReceipt."""
    header = _header(text)
    found = [key for key in keys.get("keys", ()) if isinstance(key, dict) and key.get("kid") == header["kid"]]
    if not found:
        raise BadReceipt(f"the receipt is signed with the key {header['kid']}, which is not in this key set")
    try:
        content = jwt.api_jws.decode(text, jwt.PyJWK(found[0], ALGORITHM), algorithms=[ALGORITHM])
        claims = strictjson.parse(content, max_bytes=LONGEST)
    except (jwt.PyJWTError, strictjson.StrictJSONError, ValueError, TypeError):
        raise BadReceipt("the signature is not right: the receipt was changed, or is not of this server") from None
    if not isinstance(claims, dict):
        raise BadReceipt("the receipt is signed and says nothing that this program understands")
    return Receipt.of_claims(claims)


def _header(text: str) -> dict[str, str]:
    """The header of what is written as our receipts are; raises BadReceipt."""
    head, *rest = text.split(".")
    try:
        header = strictjson.parse(_segment(head), max_depth=4)
        _segment(rest[-1] if rest else "")
    except ValueError:
        header = None
    # An allow-list, as for tokens: no other header may gain a meaning by an update of a library.
    known = isinstance(header, dict) and set(header) == {"alg", "kid", "typ"} and isinstance(header["kid"], str)
    if len(text) > LONGEST or len(rest) != 2 or not known or (header["alg"], header["typ"]) != (ALGORITHM, TYPE):
        raise BadReceipt("this is no receipt")
    return {"kid": header["kid"]}


def _segment(segment: str) -> bytes:
    """The bytes of a segment that is written in the one way there is; raises ValueError for any other."""
    content = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    # Bits left over in the last character would let one signature be written in several ways.
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != segment:
        raise ValueError("not in the one way")
    return content
