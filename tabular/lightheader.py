"""The library's own header, that compares a label only with those before it that are the same.

frictionless looks for each label through all before it: of 5,000 columns it compares twelve million pairs of texts. It
cuts those before a label out of the list of labels, so the list is one that cuts out none where none is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from frictionless.table.header import Header
from typing_extensions import override


class Labels(list[str]):
    """Of a table's columns. `labels[0:n]` are those before the label n, for whoever looks for that one among them:
    none, where it is not there."""

    def __init__(self, labels: Iterable[str]) -> None:
        super().__init__(labels)
        self._first = {label: place for place, label in reversed(list(enumerate(self)))}

    @override
    def __getitem__(self, key: Any) -> Any:
        is_before = isinstance(key, slice) and key.start == 0 and key.stop in range(len(self)) and key.step is None
        if is_before and self._first[super().__getitem__(key.stop)] == key.stop:
            return []
        return super().__getitem__(key)


class LightHeader(Header):
    """A header of such labels. Where each of them is its field's name, and none comes twice, nothing is looked for."""

    def __init__(self, labels: list[str], **options: Any) -> None:
        names = [field.name for field in options["fields"]]
        self._are_names = all(labels) and labels == names and len(set(names)) == len(names)
        self._are_in_order = options.get("fields_match", "exact") == "exact"
        super().__init__(labels if self._are_names else Labels(labels), **options)

    def _Header__process(self) -> None:  # noqa: N802  # the library's own name for it
        """Looks for errors."""
        if not self._are_names:
            super()._Header__process()  # type: ignore[misc]

    @override
    def get_expected_fields(self) -> list[Any]:
        """The fields in the order of the data."""
        if self._are_names and self._are_in_order:
            fields: list[Any] = self.fields
            return fields
        return super().get_expected_fields()
