"""What a push says, as one hash: two pushes with the same one publish the same package."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.spec import Spec
from messages.datapackage import Resource
from tabular.canonical import canonical_sha256


def fingerprint(spec: Spec, resources: Sequence[Resource]) -> str:
    """The SHA-256 of the descriptor, of what is asked for beside it, and of which bytes each resource has.

    Who may see it is no part: that is compared by itself. The key of an upload holds the hash of its bytes.
    """
    said = {
        "descriptor": spec.descriptor,
        "files": [[resource.source.key, resource.source.size] for resource in resources],
        "asked": {name: spec.whole[name] for name in ("processing", "outputs") if spec.whole.get(name)},
    }
    return canonical_sha256(said)
