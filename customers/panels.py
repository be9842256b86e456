"""The entries of the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from servicedesk.core.panels import Nav, nav

nav(
    Nav(
        key="customers", label=_("Customers"), icon="building-store", url_name="customers:list",
        permission="customers.see", section=_("Knowledge and records"), order=60,
    )
)  # fmt: skip
nav(
    Nav(
        key="products", label=_("Products"), icon="package", url_name="customers:products",
        permission="customers.manage_products", section=_("Knowledge and records"), order=61,
    )
)  # fmt: skip
nav(
    Nav(
        key="parts", label=_("Parts"), icon="packages", url_name="customers:parts",
        permission="customers.manage_parts", section=_("Knowledge and records"), order=62,
    )
)  # fmt: skip
