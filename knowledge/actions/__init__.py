"""All that can happen to fault categories and knowledge entries."""

from __future__ import annotations

from knowledge.actions.articles import create_article, edit, publish, retire, use
from knowledge.actions.categories import (
    create_category,
    create_usual_categories,
    deactivate_category,
    edit_category,
    reactivate_category,
)

__all__ = [
    "create_article",
    "create_category",
    "create_usual_categories",
    "deactivate_category",
    "edit",
    "edit_category",
    "publish",
    "reactivate_category",
    "retire",
    "use",
]
