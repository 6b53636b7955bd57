"""Text of lines that is no table: programs, dumps, prose, columns that only line up.

Asked only of what reads badly as a CSV: a wrong name for an honest table would be worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LINES = 400
STARTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"version https://git-lfs\.github\.com/spec/", "a pointer of Git LFS, not the file itself"),
        (r"%!PS", "a PostScript document"),
        (r"\{\\rtf", "an RTF document"),
        (r"-----BEGIN [A-Z ]+-----", "a key or certificate (PEM)"),
        (r"BEGIN:VCARD", "an address book (vCard)"),
        (r"BEGIN:VCALENDAR", "a calendar (iCalendar)"),
        (r"#!\s*/", "a script"),
        (r"<\?php", "source code"),
        (r"\\documentclass|\\begin\{", "a LaTeX document"),
        (r"diff --git |--- \S+.*\n\+\+\+ ", "a patch"),
        (r"(?:%[^\n]*\n|\s)*@relation\s", "an ARFF file"),
        (r"%YAML|---\s*\n\s*[\w-]+:", "a YAML document"),
    )
)
SQL = re.compile(
    r"(?:CREATE\s+(?:TABLE|DATABASE|SCHEMA|TYPE)|INSERT\s+INTO|DROP\s+TABLE"
    r"|BEGIN\s+TRANSACTION|BEGIN;\s*\n|START\s+TRANSACTION"
    r"|PRAGMA\s|LOCK\s+TABLES|ALTER\s+TABLE|SET\s+\w+\s*=|USE\s+`?\w+`?;|COPY\s+\S+.*FROM\s+stdin)",
    re.IGNORECASE,
)
SQL_COMMENT = re.compile(r"(?:--[^\n]*|/\*.*?\*/;?|\s)*", re.DOTALL)
STATEMENT = re.compile(
    r"\s*(?:(?:import|from)\s+[\w.]+(?:\s+import\s+[\w*, ]+)?;?$|#include\s*[<\"]"
    r"|(?:def|class|func|fn|function)\s+\w+.*[:{(]\s*$"
    r"|(?:def|function|fn|func)\s+\w+\s*\(|package\s+[\w.]+;?$|using\s+[\w.]+;$|(?:public|private|static|const|let|var)\s+\w"
    r"|(?:if|for|while|elif|switch)\b.*[:{]\s*$|return\b.*;?$|library\(\w+\)|\w+\s*<-\s*\S|[})\]]+[;,]?$"
    r"|[\w.]+\(.*\);?$|[\w.]+\s*=\s*\S.*;$|@\w+)"
)
STRONG = re.compile(
    r"\s*(?:(?:import|from)\s+[\w.]+(?:\s+import\s+[\w*, ]+)?;?$|#include\s*[<\"]"
    r"|(?:def|function|fn|func|class)\s+\w+\s*[({:]"
    r"|package\s+[\w.]+;?$|public\s+(?:static|class)|library\(\w+\))"
)
SECTION = re.compile(r"\[[^\[\],;]+\]$")
SETTING = re.compile(r"\s*[\w.-]+\s*=\s*.*$")
MARKDOWN = re.compile(r"#{1,6} \S|[-*] \S|\d+\. \S|```|> |\|.*\||!?\[[^\]]+\]\([^)]+\)")
HEADING = re.compile(r"#{1,6} \S|=+$|-{3,}$|```")
WORD = re.compile(r"[^\W\d_]{2,}")
SENTENCE_END = re.compile(r"[.!?][\"')]?$")


def started_kind(head: str) -> str | None:
    """What a text is by its first words, whatever its lines look like; None when that is open."""
    text = head.lstrip("\ufeff \t\r\n")
    for pattern, kind in STARTS:
        if pattern.match(text):
            return kind
    comment = SQL_COMMENT.match(text[:4_000])
    rest = text[comment.end() if comment else 0 :]
    return "an SQL dump" if SQL.match(rest) and ";" in rest else None


def lines_kind(head: str) -> str | None:
    """What a text that makes no columns is by the look of its lines; None when it may be a list, one value a line."""
    lines = head.splitlines()[:LINES]
    filled = [line for line in lines if line.strip()]
    if len(filled) < 3:
        return None
    if _is_code(filled):
        return "source code"
    if sum(map(bool, map(SECTION.match, filled))) and _share(SETTING, filled) > 0.5:
        return "a settings file (INI)"
    if _is_markdown(filled):
        return "a Markdown text"
    if _is_prose(lines, filled):
        return "plain prose"
    return "fixed-width text" if is_fixed_width(filled) else None


def _share(pattern: re.Pattern[str], lines: Sequence[str]) -> float:
    return sum(bool(pattern.match(line)) for line in lines) / len(lines)


def _is_code(lines: Sequence[str]) -> bool:
    return sum(bool(STRONG.match(line)) for line in lines) >= 2 and _share(STATEMENT, lines) > 0.3


def _is_markdown(lines: Sequence[str]) -> bool:
    return sum(bool(HEADING.match(line)) for line in lines) >= 2 and _share(MARKDOWN, lines) > 0.2


def _is_prose(lines: Sequence[str], filled: Sequence[str]) -> bool:
    """Paragraphs: long lines of many words, most of which end in the middle of a sentence or at its end."""
    words = [len(WORD.findall(line)) for line in filled]
    if sum(words) < 8 * len(filled) or len(filled) < 4:
        return False
    begun = sum(line[:1].islower() for line in filled)
    wrapped = begun >= 0.25 * len(filled) and max(map(len, filled)) <= 120
    paragraphs = any(not line.strip() for line in lines[1:-1])
    ended = sum(bool(SENTENCE_END.search(line.strip())) for line in filled)
    return wrapped or (paragraphs and ended >= 0.3 * len(filled) and sum(words) > 12 * len(filled))


def is_fixed_width(lines: Sequence[str]) -> bool:
    """Whether the lines are of columns that line up, with two blanks and more between them, and texts of several words
    or blank cells in them."""
    rows = [line.expandtabs() for line in lines if line.strip()]
    if len(rows) < 4 or any("\t" in line for line in lines):
        return False
    width = max(map(len, rows))
    padded = [row.ljust(width) for row in rows]
    blank = [all(row[at] == " " for row in padded) for at in range(width)]
    starts = [at for at in range(1, width) if blank[at - 1] and not blank[at]]
    gaps = [at for at in starts if at > 1 and (blank[at - 2] or _aligns(padded, at))]
    return len(gaps) >= 1 and sum("  " in row.strip() for row in rows) >= 0.8 * len(rows)


def _aligns(rows: Sequence[str], at: int) -> bool:
    """Whether nearly every line has a word that begins here."""
    return sum(row[at] != " " for row in rows) >= 0.9 * len(rows)
