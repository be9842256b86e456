"""What happens to master data. No telephone number stands in any event: the journal is for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event


@dataclass(frozen=True, kw_only=True)
class CustomerCreated(Event):
    type: ClassVar[str] = "customer.created"
    label = _("Customer registered")
    detail = "{code} {name}"
    icon = "building"
    customer_id: int
    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class CustomerEdited(Event):
    type: ClassVar[str] = "customer.edited"
    label = _("Customer's data changed")
    icon = "edit"
    customer_id: int
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StoreCreated(Event):
    type: ClassVar[str] = "store.created"
    label = _("Store registered")
    detail = "{code} {name}"
    icon = "building-store"
    store_id: int
    customer_id: int
    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class StoreEdited(Event):
    type: ClassVar[str] = "store.edited"
    label = _("Store's data changed")
    icon = "edit"
    store_id: int
    customer_id: int
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ContactCreated(Event):
    type: ClassVar[str] = "contact.created"
    label = _("Contact registered")
    detail = "{name}"
    icon = "user-plus"
    contact_id: int
    customer_id: int
    store_id: int | None
    name: str


@dataclass(frozen=True, kw_only=True)
class ContactEdited(Event):
    type: ClassVar[str] = "contact.edited"
    label = _("Contact's data changed")
    detail = "{name}"
    icon = "edit"
    contact_id: int
    customer_id: int
    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ProductCreated(Event):
    type: ClassVar[str] = "product.created"
    label = _("Product registered")
    detail = "{code} {name}"
    icon = "package"
    product_id: int
    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ProductEdited(Event):
    type: ClassVar[str] = "product.edited"
    label = _("Product's data changed")
    icon = "edit"
    product_id: int
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StockPartCreated(Event):
    type: ClassVar[str] = "stock_part.created"
    label = _("Part registered")
    detail = "{code} {name}"
    icon = "package"
    stock_part_id: int
    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class StockPartEdited(Event):
    type: ClassVar[str] = "stock_part.edited"
    label = _("Part's data changed")
    icon = "edit"
    stock_part_id: int
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class InstallationCreated(Event):
    type: ClassVar[str] = "installation.created"
    label = _("Product installed")
    detail = "{product} {software_version}"
    icon = "package-import"
    installation_id: int
    store_id: int
    product_id: int
    product: str
    software_version: str


@dataclass(frozen=True, kw_only=True)
class InstallationChanged(Event):
    type: ClassVar[str] = "installation.changed"
    label = _("Installation changed")
    detail = "{product} {old_version} → {new_version}"
    icon = "refresh"
    installation_id: int
    store_id: int
    product: str
    old_version: str
    new_version: str
    old_remote_id: str
    new_remote_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Deactivated(Event):
    """Of any kind of master data; `kind` is the model's label."""

    type: ClassVar[str] = "master_data.deactivated"
    label = _("Taken out of use")
    detail = "{name}"
    icon = "archive"
    kind: str
    record_id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Reactivated(Event):
    type: ClassVar[str] = "master_data.reactivated"
    label = _("Taken into use again")
    detail = "{name}"
    icon = "archive-off"
    kind: str
    record_id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class PhoneRevealed(Event):
    """Somebody looked at a whole telephone number (GEN-7). The number itself is not repeated."""

    type: ClassVar[str] = "phone.revealed"
    label = _("Telephone number looked at")
    detail = "{name}: {reason}"
    icon = "eye"
    kind: str
    record_id: int
    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MasterDataImported(Event):
    type: ClassVar[str] = "master_data.imported"
    label = _("Master data imported")
    detail = "{file_name}"
    icon = "file-import"
    file_name: str
    rows: int
    created: int
    changed: int


@dataclass(frozen=True, kw_only=True)
class ContractCreated(Event):
    type: ClassVar[str] = "contract.created"
    label = _("Contract registered")
    detail = "{number} {title}"
    icon = "contract"
    contract_id: int
    customer_id: int
    number: str
    title: str


@dataclass(frozen=True, kw_only=True)
class ContractEdited(Event):
    type: ClassVar[str] = "contract.edited"
    label = _("Contract changed")
    detail = "{number}"
    icon = "contract"
    contract_id: int
    customer_id: int
    number: str
    fields: tuple[str, ...]
