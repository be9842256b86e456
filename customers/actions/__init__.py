"""All that can happen to customers, stores, people, products and installations."""

from __future__ import annotations

from customers.actions.contracts import create_contract, edit_contract
from customers.actions.importing import import_rows, keep_upload
from customers.actions.parts import import_parts
from customers.actions.records import (
    MasterData,
    change_installation,
    create_contact,
    create_customer,
    create_installation,
    create_product,
    create_stock_part,
    create_store,
    deactivate,
    edit_contact,
    edit_customer,
    edit_product,
    edit_stock_part,
    edit_store,
    reactivate,
    reveal_phone,
)

__all__ = [
    "MasterData",
    "change_installation",
    "create_contact",
    "create_contract",
    "create_customer",
    "create_installation",
    "create_product",
    "create_stock_part",
    "create_store",
    "deactivate",
    "edit_contact",
    "edit_contract",
    "edit_customer",
    "edit_product",
    "edit_stock_part",
    "edit_store",
    "import_parts",
    "import_rows",
    "keep_upload",
    "reactivate",
    "reveal_phone",
]
