"""The forms of knowledge."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Product
from knowledge.models import Article, FaultCategory
from knowledge.queries import within
from knowledge.states import Status
from servicedesk.core.actors import Actor
from servicedesk.core.forms import DeskForm, RemoteSelect, Textarea, UidChoiceField


class ArticleFilter(DeskForm):
    q = forms.CharField(
        label=_("Words of the title, symptom or solution"),
        required=False,
        max_length=60,
        widget=forms.TextInput(
            attrs={"type": "search", "autocomplete": "off", "data-shortcut": "s"}
        ),
    )
    product = UidChoiceField(
        None, label=_("Product"), required=False, empty_label=_("All products")
    )
    category = UidChoiceField(
        None, label=_("Fault category"), required=False, empty_label=_("All categories")
    )
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("Draft and published")), *Status.choices]
    )

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        products, categories = Product.objects.visible_to(by), FaultCategory.objects.visible_to(by)
        self.fields["product"].queryset = products.active()  # type: ignore[attr-defined]
        self.fields["category"].queryset = categories.filter(  # type: ignore[attr-defined]
            is_active=True
        )


class ArticleForm(DeskForm):
    spans = {"product": 6, "category": 6}
    draft_key = "article"

    title = forms.CharField(
        label=_("Title"), max_length=120, help_text=_("The fault in the customer's words.")
    )
    product = UidChoiceField(
        None, label=_("Product"), required=False, empty_label=_("For every product")
    )
    category = UidChoiceField(
        None,
        label=_("Fault category"),
        required=False,
        widget=RemoteSelect(url_name="knowledge:category_options"),
        help_text=_("Needed before it can be published."),
    )
    symptom = forms.CharField(
        label=_("Symptom"), max_length=4000, widget=Textarea(rows=3),
        help_text=_("What the caller sees and says; suggestions are found by these words."),
    )  # fmt: skip
    cause = forms.CharField(
        label=_("Cause"), max_length=4000, required=False, widget=Textarea(rows=2)
    )
    solution = forms.CharField(
        label=_("Solution"), max_length=8000, widget=Textarea(rows=6),
        help_text=_("Step by step, so that it can be read out on the telephone."),
    )  # fmt: skip

    def __init__(
        self, *args: Any, by: Actor, article: Article | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if article is not None:
            self.draft_key = f"article-{article.number}"
        products, categories = Product.objects.visible_to(by), FaultCategory.objects.visible_to(by)
        self.fields["product"].queryset = (  # type: ignore[attr-defined]
            products.filter(_offered(article.product_id if article else None))
        )
        self.fields["category"].queryset = (  # type: ignore[attr-defined]
            categories.filter(_offered(article.category_id if article else None))
        )


def _offered(kept: int | None) -> Q:
    """What is in use, and what the entry has already."""
    return Q(is_active=True) if kept is None else Q(is_active=True) | Q(pk=kept)


class RetireForm(DeskForm):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=Textarea(rows=2))


# The forms behind the buttons of an entry; `edit` has a page of its own.
FORMS: dict[str, type[DeskForm]] = {
    "edit": ArticleForm,
    "publish": DeskForm,
    "retire": RetireForm,
    "use": DeskForm,
}


class CategoryForm(DeskForm):
    spans = {"code": 6, "name": 6}

    parent = UidChoiceField(
        None, label=_("Below"), required=False, empty_label=_("Nothing: a root of the tree")
    )
    name = forms.CharField(label=_("Name"), max_length=60)

    def __init__(
        self, *args: Any, by: Actor, category: FaultCategory | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        parents = FaultCategory.objects.visible_to(by).filter(is_active=True)
        if category is not None:
            parents = parents.exclude(pk__in=within(category).values("pk"))
        self.fields["parent"].queryset = parents  # type: ignore[attr-defined]


class NewCategoryForm(CategoryForm):
    code = forms.CharField(
        label=_("Code"), max_length=30, help_text=_("Stays as it is; reports go by it.")
    )
