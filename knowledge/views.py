"""The pages of knowledge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.models import Product
from knowledge import actions, queries
from knowledge.forms import FORMS, ArticleFilter, ArticleForm, CategoryForm, NewCategoryForm
from knowledge.models import Article, FaultCategory
from knowledge.states import ARTICLE, Status
from servicedesk.core.actions import require
from servicedesk.core.forms import ActionForm, DeskForm
from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.keyset import keyset_page
from servicedesk.core.timeline import timeline

SEE, WRITE, MANAGE = "knowledge.see", "knowledge.write", "knowledge.manage_categories"
VERBS: dict[str, Callable[..., Any]] = {
    "publish": actions.publish,
    "retire": actions.retire,
    "use": actions.use,
}
# Longer than any symptom that is typed during a call.
LONGEST = 500


@require_GET
def articles(request: DeskRequest) -> HttpResponse:
    require(request.actor, SEE)
    filters = ArticleFilter(request.GET, by=request.actor)
    found: QuerySet[Article] = Article.objects.none()
    text = ""
    if filters.is_valid():
        data = filters.cleaned_data
        text = data["q"]
        found = Article.objects.visible_to(request.actor)
        found = (
            found.filter(status=data["status"])
            if data["status"]
            else found.exclude(status=Status.RETIRED)
        )
        if data["product"]:
            found = found.filter(Q(product=data["product"]) | Q(product=None))
        if data["category"]:
            found = found.filter(category__in=queries.within(data["category"]))
        found = queries.articles_matching(found, text)
    found = found.select_related("product", "category", "author").defer("search")
    active = sum(bool(request.GET.get(name)) for name in ("q", "product", "category", "status"))
    context = {
        "page": keyset_page(found, request.GET, "-used_count", "-id"),
        "filters": filters,
        "active_filters": active,
        "text": text,
        "may_write": request.actor.may(WRITE),
        "may_manage": request.actor.may(MANAGE),
    }
    fragment = request.htmx and not request.htmx.boosted
    template = "knowledge/_articles_rows.html" if fragment else "knowledge/articles.html"
    return render(request, template, context)


@require_GET
def article(request: DeskRequest, number: str) -> HttpResponse:
    return _show(request, _find(request, number))


@require_http_methods(["GET", "POST"])
def article_new(request: DeskRequest) -> HttpResponse:
    require(request.actor, WRITE)
    form = ArticleForm(request.POST or None, by=request.actor)
    if request.method == "POST":
        made = perform(request, form, actions.create_article)
        if made is not None:
            return redirect(made)
    return _form(request, form, _("New knowledge entry"), reverse("knowledge:list"))


@require_http_methods(["GET", "POST"])
def article_edit(request: DeskRequest, number: str) -> HttpResponse:
    require(request.actor, WRITE)
    shown = _find(request, number)
    initial = {name: getattr(shown, name) for name in ("title", "symptom", "cause", "solution")}
    initial |= {
        "product": shown.product and shown.product.uid,
        "category": shown.category and shown.category.uid,
    }
    form = ArticleForm(request.POST or None, initial=initial, by=request.actor, article=shown)
    if request.method == "POST" and perform(request, form, actions.edit, shown) is not None:
        return redirect(shown)
    return _form(request, form, str(shown), shown.get_absolute_url())


@require_POST
def act(request: DeskRequest, number: str, verb: str) -> HttpResponse:
    """The buttons of an entry; “it helped” also stands beside the call."""
    if verb not in VERBS:
        raise Http404
    shown = _find(request, number)
    form = FORMS[verb](request.POST)
    if perform(request, form, VERBS[verb], shown) is None:
        return _show(request, shown, {verb: form}, status=422)
    if request.htmx and verb == "use":
        return render(request, "knowledge/_used.html", {"article": shown})
    return redirect(shown)


@require_GET
def suggestions(request: DeskRequest) -> HttpResponse:
    """Beside the call: what helped with such a fault before (CALL-10, REM-4)."""
    require(request.actor, SEE)
    product = _named(request, Product, "product")
    category = _named(request, FaultCategory, "category")
    text = request.GET.get("q", "")[:LONGEST]
    found = queries.suggest(product, category, text, actor=request.actor)
    context = {"suggestions": found, "asked": bool(product or category or text.strip())}
    return render(request, "knowledge/_suggestions.html", context)


# --- The fault tree ------------------------------------------------------------------------------


@require_GET
def categories(request: DeskRequest) -> HttpResponse:
    require(request.actor, SEE)
    found = FaultCategory.objects.visible_to(request.actor).annotate(
        article_count=Count("article", filter=Q(article__status=Status.PUBLISHED))
    )
    context = {"categories": found.order_by("path", "id"), "may_manage": request.actor.may(MANAGE)}
    return render(request, "knowledge/categories.html", context)


@require_http_methods(["GET", "POST"])
def category_new(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    initial = {"parent": request.GET.get("below", "")}
    form = NewCategoryForm(request.POST or None, initial=initial, by=request.actor)
    home = reverse("knowledge:categories")
    if request.method == "POST" and perform(request, form, actions.create_category) is not None:
        return redirect(home)
    return _form(request, form, _("New fault category"), home)


@require_http_methods(["GET", "POST"])
def category_edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, MANAGE)
    category = _category(request, uid)
    initial = {"name": category.name, "parent": category.parent and category.parent.uid}
    form = CategoryForm(request.POST or None, initial=initial, by=request.actor, category=category)
    home = reverse("knowledge:categories")
    if request.method == "POST":
        if perform(request, form, actions.edit_category, category) is not None:
            return redirect(home)
        category.refresh_from_db()
    verb, label, icon = ("deactivate", _("Take out of use"), "archive")
    if not category.is_active:
        verb, label, icon = ("reactivate", _("Take into use again"), "archive-off")
    url = reverse(f"knowledge:category_{verb}", args=[category.uid])
    activation = [ActionForm(verb, label, url, icon=icon)]
    return _form(request, form, category.path, home, activation)


@require_POST
def category_activate(request: DeskRequest, uid: UUID, verb: str) -> HttpResponse:
    verbs = {"deactivate": actions.deactivate_category, "reactivate": actions.reactivate_category}
    verbs[verb](_category(request, uid), at=timezone.now(), by=request.actor)
    return redirect("knowledge:categories")


@require_GET
def category_options(request: DeskRequest) -> JsonResponse:
    found = queries.categories_matching(request.GET.get("q", "")[:60], actor=request.actor)
    results = [{"uid": str(c.uid), "label": c.path, "detail": c.code} for c in found]
    return JsonResponse({"results": results})


# --- Helpers -------------------------------------------------------------------------------------


def _find(request: DeskRequest, number: str) -> Article:
    found = Article.objects.visible_to(request.actor)
    return get_object_or_404(found.select_related("product", "category", "author"), number=number)


def _category(request: DeskRequest, uid: UUID) -> FaultCategory:
    return get_object_or_404(FaultCategory.objects.visible_to(request.actor), uid=uid)


def _named(request: DeskRequest, model: type[Any], name: str) -> Any:
    """The record that a parameter names; None if it names none, a wrong one is 404."""
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        uid = UUID(text)
    except ValueError as error:
        raise Http404 from error
    return get_object_or_404(model.objects.visible_to(request.actor), uid=uid)


def _show(
    request: DeskRequest,
    shown: Article,
    refused: dict[str, DeskForm] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "article": shown,
        "actions": _buttons(request, shown, refused or {}),
        "may_edit": any(t.name == "edit" for t in ARTICLE.open_to(request.actor, shown.status)),
        "lines": timeline(shown, limit=30, reader=request.actor),
        "changes": changes(shown),
        "crumbs": [(_("Knowledge"), reverse("knowledge:list"))],
    }
    return render(request, "knowledge/article.html", context, status=status)


def _buttons(
    request: DeskRequest, shown: Article, refused: dict[str, DeskForm]
) -> list[ActionForm]:
    """All that is open to this person now, but editing."""
    return [
        ActionForm.of(
            step,
            reverse("knowledge:act", args=[shown.number, step.name]),
            refused.get(step.name) or FORMS[step.name](),
            style="danger" if step.name == "retire" else "plain",
        )
        for step in ARTICLE.open_to(request.actor, shown.status)
        if step.name in VERBS
    ]


def _form(
    request: DeskRequest,
    form: DeskForm,
    title: str,
    cancel: str,
    activation: list[ActionForm] | None = None,
) -> HttpResponse:
    context = {"form": form, "title": title, "cancel": cancel, "actions": activation or []}
    return render(request, "knowledge/form.html", context, status=422 if form.errors else 200)
