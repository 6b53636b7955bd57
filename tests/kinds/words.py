"""Words for the corpus: what is tuned on and what is held out share none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """`names` head columns, by the kind of their cells; the rest fills cells."""

    names: dict[str, tuple[str, ...]]
    nouns: tuple[str, ...]
    people: tuple[str, ...]
    places: tuple[str, ...]
    groups: tuple[str, ...]
    sentences: tuple[str, ...]
    titles: tuple[str, ...]
    notes: tuple[str, ...]


TUNING = Words(
    {
        "integer": ("count", "quantity", "employees", "Anzahl", "votes"),
        "decimal": ("price", "amount", "Betrag", "share", "mean value"),
        "date": ("date", "day", "Datum", "opened_on", "birthday"),
        "time": ("start time", "arrival", "Uhrzeit", "logged", "at"),
        "text": ("name", "title", "Beschreibung", "remark", "label"),
        "code": ("code", "article_no", "ISO", "sku", "reference"),
        "group": ("category", "kind", "Gruppe", "status", "region"),
        "address": ("url", "homepage", "e-mail", "contact", "link"),
        "boolean": ("active", "is_open", "valid", "member", "checked"),
        "json": ("payload", "attributes", "meta", "settings", "tags"),
        "path": ("file", "folder", "path", "source", "location"),
    },
    ("river", "copper", "hedgehog", "lantern", "paper", "north", "seven", "quiet", "Brücke", "straße", "été", "łódka"),
    ("Ann Lee", "Bob Stone", "Zoë Müller", "Igor Petrov", "Mary O'Neil", "José Díaz", "Li Wei", "Omar Said"),
    ("Bern", "Porto", "Zürich", "New York", "Tromsø", "Lagos", "Quito", "Kraków", "Stratford-upon-Avon"),
    ("red", "green", "blue", "open", "closed", "pending", "north", "south"),
    (
        "Delivered late, but complete",
        "He said: call back on Monday",
        "Cheap, small, and light; sold out",
        "no comment",
        "See page 5 (and 6)",
        'the so-called "old" one',
        "It's fine - really",
        "50% off | today only",
    ),
    (
        "Annual report of the city council",
        "Sales by region, product and month",
        "Table 3: Employees; full and part time",
        "Messwerte der Station Nord",
        "Export of all records",
    ),
    (
        "Generated on 2024-03-01 10:15:00",
        "Source: Federal Statistical Office, Bern",
        "All amounts in EUR; rounding differences are possible",
        "Period: 01.01.2023 - 31.12.2023",
        "Author: J. Smith",
        "Filter: status = open, region = north",
    ),
)
HELD_OUT = Words(
    {
        "integer": ("population", "seats", "rooms", "nombre", "pieces"),
        "decimal": ("weight", "temperature", "prix", "ratio", "net worth"),
        "date": ("issued", "Stichtag", "valid_from", "fecha", "last update"),
        "time": ("departure", "hora", "measured at", "check in", "begin"),
        "text": ("description", "species", "titre", "comment", "product name"),
        "code": ("key", "plate", "isbn", "postcode", "ticketId"),
        "group": ("class", "type", "sector", "couleur", "phase"),
        "address": ("website", "mail", "site", "image", "see_also"),
        "boolean": ("deleted", "public", "paid", "hasChildren", "ok"),
        "json": ("properties", "extra", "options", "raw", "geometry"),
        "path": ("directory", "document", "attachment", "log", "target"),
    },
    ("willow", "granite", "otter", "candle", "mirror", "meadow", "thirteen", "brave", "Schlüssel", "niño", "façade"),
    ("Tom Reed", "Eva Nowak", "Björn Åkesson", "Chloé D'Arcy", "Ken Sato", "Ines Costa", "Abdul Karim", "Nora Quinn"),
    ("Oslo", "Lima", "Genève", "San Marino", "Århus", "Dakar", "La Paz", "Poznań", "Aix-en-Provence"),
    ("gold", "silver", "bronze", "draft", "final", "lost", "east", "west"),
    (
        "Left early, came back, left again",
        "Note: bring your own",
        "Heavy, wide; does not fit",
        "nothing to add",
        "Chapter 12 [draft]",
        'known as "the tower"',
        "Don't touch!",
        "either/or | both",
    ),
    (
        "Quarterly figures, unaudited",
        "List of monuments",
        "Figure 7: Traffic; cars, bikes and buses",
        "Relevé des stations de mesure",
        "Members of the association, by canton",
    ),
    (
        "Downloaded 17/05/2022, 08:30",
        "Licence: CC BY 4.0; no warranty",
        "Contact: data@example.org",
        "Values in thousands, seasonally adjusted",
        "Version 2.1 (final)",
        "Query: type=A|B; limit=500",
    ),
)
