"""Which entries may help: by product, category and the words of the symptom."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import log1p

from django.contrib.postgres.search import SearchRank
from django.db.models import F, Q, QuerySet

from customers.models import Product
from knowledge.models import Article, FaultCategory
from knowledge.states import Status
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.search import GramQuery, any_of, grams_of, matching, spelled

ARTICLE_FIELDS = ("title", "symptom", "cause", "solution")

# So many of the likeliest are weighed exactly.
CANDIDATES = 200
# With less of the words in common, and none in the title, an entry speaks of something else.
LEAST_SHARE = 0.15
# Pairs of these say nothing about a fault: 不了, 了吗, 有没 …
FILLERS = set(
    "的了吗呢啊吧呀么不没有是在我你您他她它们请就都也和与把被给让要会能上下来去个这那很太"
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    article: Article
    score: float


def suggest(
    product: Product | None,
    category: FaultCategory | None,
    text: str,
    limit: int = 5,
    *,
    actor: Actor = SYSTEM,
) -> list[Suggestion]:
    """Published entries, the likeliest first; none that is for another product."""
    articles = Article.objects.visible_to(actor).filter(status=Status.PUBLISHED)
    if product is not None:
        articles = articles.filter(Q(product=product) | Q(product__isnull=True))
    wanted = {gram for gram in grams_of(text) if not FILLERS.issuperset(gram)}
    if not wanted and product is None and category is None:
        return []
    scored = [
        Suggestion(article, score)
        for article in _candidates(articles, wanted, category)
        if (score := _score(article, wanted, product, category)) > 0
    ]
    return sorted(scored, key=lambda s: (-s.score, -s.article.pk))[:limit]


def _candidates(
    articles: QuerySet[Article], wanted: set[str], category: FaultCategory | None
) -> list[Article]:
    """Cheap and generous; what counts is weighed by `_score`."""
    articles = articles.select_related("product", "category").defer("search")
    found: dict[int, Article] = {}
    if wanted:
        words = GramQuery(any_of(wanted))
        by_words = articles.filter(search=words).annotate(rank=SearchRank(F("search"), words))
        found |= {a.pk: a for a in by_words.order_by("-rank")[:CANDIDATES]}
    if category is not None:
        near = articles.filter(category__path__startswith=category.path)
        found |= {a.pk: a for a in near.order_by("-used_count", "-pk")[:CANDIDATES]}
    elif not wanted:
        found |= {a.pk: a for a in articles.order_by("-used_count", "-pk")[:CANDIDATES]}
    return list(found.values())


def _score(
    article: Article, wanted: set[str], product: Product | None, category: FaultCategory | None
) -> float:
    """0 if it has nothing to do with it. Words weigh most, then category, product and use."""
    score = 0.0
    if wanted:
        title = len(wanted & grams_of(article.title)) / len(wanted)
        symptom = len(wanted & grams_of(f"{article.title} {article.symptom}")) / len(wanted)
        rest = len(wanted & grams_of(f"{article.cause} {article.solution}")) / len(wanted)
        share = 3 * title + 2 * symptom + 0.5 * rest
        score += share if title or max(symptom, rest) >= LEAST_SHARE else 0
    if category is not None and article.category is not None:
        if article.category_id == category.pk:
            score += 1.0
        elif article.category.path.startswith(f"{category.path} /"):
            score += 0.8
        elif score and category.path.startswith(f"{article.category.path} /"):
            score += 0.4
    elif not wanted and category is None:
        score += 0.1
    if score and product is not None and article.product_id == product.pk:
        score += 0.5
    return score + log1p(article.used_count) / 10 if score else 0.0


def articles_matching(articles: QuerySet[Article], text: str) -> QuerySet[Article]:
    return matching(articles, text, *ARTICLE_FIELDS)


def within(category: FaultCategory) -> QuerySet[FaultCategory]:
    """The category and all below it."""
    return FaultCategory.objects.filter(
        Q(pk=category.pk) | Q(path__startswith=f"{category.path} /")
    )


def categories_matching(
    text: str, limit: int = 30, *, actor: Actor = SYSTEM
) -> list[FaultCategory]:
    """Categories in use, by a part of their path or code, of its pinyin or the initials of that.

    There are some dozens of them; the catalogue of faults is read at once.
    """
    found = FaultCategory.objects.visible_to(actor).filter(is_active=True)
    words = text.lower().replace("\0", " ").split()
    named = (c for c in found if all(_names(c, word) for word in words))
    return list(islice(named, limit))


def _names(category: FaultCategory, word: str) -> bool:
    steps = category.path.split(" / ")
    return word in f"{category.path} {category.code}".lower() or word in spelled(*steps)
