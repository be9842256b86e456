"""Search that knows Chinese: two characters are enough.

pg_trgm needs three characters; so searchable rows carry a generated tsvector of all bigrams
(SQL function `cjk_bigrams`, below) under a GIN index.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, TypeVar

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connections, models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat, Lower, StrIndex
from django.db.models.lookups import GreaterThan
from pypinyin import lazy_pinyin

M = TypeVar("M", bound=models.Model)

LONGEST, MOST_WORDS, MOST_GRAMS = 100, 6, 200

BIGRAMS = r"""
CREATE OR REPLACE FUNCTION cjk_bigrams(source text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_to_tsvector(array_agg(DISTINCT gram)), ''::tsvector)
    FROM (
        SELECT substr(t, i, 2) AS gram
        FROM (SELECT lower(coalesce(source, '')) AS t) AS s, generate_series(1, length(t)) AS i
    ) AS grams
    WHERE gram !~ '\s' AND gram <> ''
$$;
"""


def install(using: str, **kwargs: Any) -> None:
    """Make the SQL function before any table of any app needs it (signal `pre_migrate`)."""
    with connections[using].cursor() as cursor:
        cursor.execute(BIGRAMS)


def bigrams(*fields: str) -> models.GeneratedField:
    """A generated search column over text fields of the same row. Index it with GinIndex."""
    parts: list[Any] = []
    for name in fields:
        parts += [F(name), Value("\n")]
    return models.GeneratedField(
        expression=Func(
            Concat(*parts, output_field=models.TextField()),
            function="cjk_bigrams",
            output_field=SearchVectorField(),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )


class GramQuery(SearchQuery):
    """A query over bigrams, taken as it is written.

    `to_tsquery` would read 'k-' as 'k' and drop 'is': it thinks of words, not of bigrams.
    """

    template = "CAST(%(expressions)s AS tsquery)"

    def __init__(self, query: str) -> None:
        super().__init__(query, search_type="raw")


def matching(
    queryset: models.QuerySet[M], text: str, *fields: str, column: str = "search"
) -> models.QuerySet[M]:
    """Rows that contain every word of `text` in one of the fields that `column` was made of.

    The index finds rows with all bigrams of a word; comparing the fields removes those where
    the bigrams stand apart. `strpos`, not `LIKE`: of that the planner believes that nearly no
    row survives, and for a common word it would fetch and sort them all to show fifty.
    """
    for word in words_of(text):
        queryset = queryset.filter(**{column: GramQuery(_tsquery(word))})
        anywhere = Q()
        for name in fields:
            anywhere |= Q(GreaterThan(StrIndex(Lower(name), Value(word)), 0))
        queryset = queryset.filter(anywhere)
    return queryset


def words_of(text: str) -> list[str]:
    """The words that are searched for; what is longer or more than anybody types is cut off."""
    return text.replace("\0", " ").lower()[:LONGEST].split()[:MOST_WORDS]


def grams_of(text: str) -> set[str]:
    """The bigrams of a text, as the index has them; of a single sign, the sign."""
    return {gram for word in text.replace("\0", " ").lower().split() for gram in _grams(word)}


def any_of(grams: set[str]) -> str:
    """The raw tsquery for rows that contain at least one of the bigrams."""
    return " | ".join(f"'{_quoted(gram)}'" for gram in sorted(grams)[:MOST_GRAMS])


def _grams(word: str) -> set[str]:
    return {word[i : i + 2] for i in range(len(word) - 1)} or {word}


def _tsquery(word: str) -> str:
    suffix = ":*" if len(word) == 1 else ""
    return " & ".join(f"'{_quoted(gram)}'{suffix}" for gram in sorted(_grams(word)))


def _quoted(gram: str) -> str:
    return gram.replace("\\", "\\\\").replace("'", "''")


def spelled(*texts: str) -> str:
    """What Chinese text is found by on a Latin keyboard: each in full and as initials.

    `大兴店` becomes `daxingdian dxd`; letters and figures stay, other signs go.
    """
    keys = []
    for text in filter(None, texts):
        # What is not Chinese comes back marked: it stays whole, as it has no initial.
        parts = lazy_pinyin(text, errors=lambda other: "\0" + other)
        initials = (part if part.startswith("\0") else part[0] for part in parts)
        both = ("".join(parts), "".join(initials))
        keys += ["".join(c for c in key if c.isalnum()).lower() for key in both]
    return " ".join(dict.fromkeys(keys))


def phone_digits(phone: str) -> str:
    """A telephone number as it is compared: digits only, without the ways to dial China.

    Telephone systems report the mobile 13800000000 also as +8613800000000 or 013800000000.
    """
    digits = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", phone))
    return re.sub(r"^(?:0086|86(?=1\d{10}$)|0(?=1[3-9]\d{9}$))", "", digits)
