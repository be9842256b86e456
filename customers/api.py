"""Master data over the API. Telephone numbers are masked; `reveal-phone` shows one, with a reason."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action as route
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from accounts.models import Team
from customers import actions, queries
from customers.models import Contact, Contract, Customer, Installation, Product, StockPart, Store
from servicedesk.core.api import ActionInput, DeskViewSet, Problem, RecordField, verb

CONTRACTS = "customers.manage_contracts"
WRITE, MANAGE, REVEAL = "customers.write", "customers.manage_products", "customers.reveal_phone"
SEARCH = OpenApiParameter("q", str, description="Name, pinyin, code or a part of a number")


class MasterDataSerializer(serializers.ModelSerializer[Any]):
    """`actions`: what may be done with the record now."""

    actions = serializers.SerializerMethodField()
    permission = WRITE
    verbs: tuple[str, ...] = ("edit",)

    def get_actions(self, item: Any) -> list[str]:
        actor = self.context["request"].actor
        found = []
        if actor.may(self.permission):
            found = [*self.verbs, "deactivate" if item.is_active else "reactivate"]
        if getattr(item, "phone", "") and actor.may(REVEAL):
            found.append("reveal_phone")
        return found


class CustomerSerializer(MasterDataSerializer):
    class Meta:
        model = Customer
        fields = [
            "uid", "code", "name", "short_name", "industry", "is_key_account", "note",
            "is_active", "created_at", "actions",
        ]  # fmt: skip


class StoreSerializer(MasterDataSerializer):
    customer = serializers.SlugRelatedField[Customer](slug_field="uid", read_only=True)
    phone = serializers.SerializerMethodField()

    class Meta:
        model = Store
        fields = [
            "uid", "customer", "code", "name", "province", "city", "district", "address", "phone",
            "opening_hours", "note", "is_active", "created_at", "actions",
        ]  # fmt: skip

    def get_phone(self, item: Store) -> str:
        return queries.masked(item.phone)


class ContactSerializer(MasterDataSerializer):
    customer = serializers.SlugRelatedField[Customer](slug_field="uid", read_only=True)
    store = serializers.SlugRelatedField[Store](slug_field="uid", read_only=True)
    phone = serializers.SerializerMethodField()

    class Meta:
        model = Contact
        fields = [
            "uid", "customer", "store", "name", "salutation", "position", "phone", "email",
            "is_active", "created_at", "actions",
        ]  # fmt: skip

    def get_phone(self, item: Contact) -> str:
        return queries.masked(item.phone)


class ProductSerializer(MasterDataSerializer):
    permission = MANAGE
    team = serializers.UUIDField(source="team.uid", default=None, read_only=True)

    class Meta:
        model = Product
        fields = ["uid", "code", "name", "team", "is_active", "created_at", "actions"]


class StockPartSerializer(MasterDataSerializer):
    permission = "customers.manage_parts"

    class Meta:
        model = StockPart
        fields = ["uid", "code", "name", "spec", "unit", "is_active", "created_at", "actions"]


class InstallationSerializer(MasterDataSerializer):
    store = serializers.SlugRelatedField[Store](slug_field="uid", read_only=True)
    product = serializers.SlugRelatedField[Product](slug_field="uid", read_only=True)
    verbs = ("change",)

    class Meta:
        model = Installation
        fields = [
            "uid", "store", "product", "software_version", "remote_id", "installed_on", "note",
            "is_active", "created_at", "actions",
        ]  # fmt: skip


class ContractSerializer(serializers.ModelSerializer[Contract]):
    customer = serializers.SlugRelatedField[Customer](slug_field="uid", read_only=True)
    actions = serializers.SerializerMethodField()

    class Meta:
        model = Contract
        fields = [
            "uid", "customer", "number", "title", "starts_on", "ends_on", "created_at", "actions",
        ]  # fmt: skip

    def get_actions(self, contract: Contract) -> list[str]:
        return ["edit"] if self.context["request"].actor.may(CONTRACTS) else []


# --- Inputs: to create, all that is needed; to edit, only what changes ----------------------------


class EditCustomerInput(ActionInput):
    code = serializers.CharField(max_length=30, required=False)
    name = serializers.CharField(max_length=120, required=False)
    short_name = serializers.CharField(max_length=60, required=False, allow_blank=True)
    industry = serializers.CharField(max_length=60, required=False, allow_blank=True)
    is_key_account = serializers.BooleanField(required=False)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class CreateCustomerInput(EditCustomerInput):
    name = serializers.CharField(max_length=120)


class EditStoreInput(ActionInput):
    code = serializers.CharField(max_length=30, required=False)
    name = serializers.CharField(max_length=120, required=False)
    province = serializers.CharField(max_length=30, required=False, allow_blank=True)
    city = serializers.CharField(max_length=30, required=False, allow_blank=True)
    district = serializers.CharField(max_length=30, required=False, allow_blank=True)
    address = serializers.CharField(max_length=200, required=False)
    phone = serializers.CharField(max_length=30, required=False, allow_blank=True)
    opening_hours = serializers.CharField(max_length=60, required=False, allow_blank=True)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class CreateStoreInput(EditStoreInput):
    customer = RecordField(slug_field="uid", queryset=Customer.objects.all())
    name = serializers.CharField(max_length=120)
    address = serializers.CharField(max_length=200)


class EditContactInput(ActionInput):
    store = RecordField(
        slug_field="uid", queryset=Store.objects.all(), required=False, allow_null=True
    )
    name = serializers.CharField(max_length=60, required=False)
    salutation = serializers.CharField(max_length=30, required=False, allow_blank=True)
    position = serializers.CharField(max_length=60, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=30, required=False, allow_blank=True)
    email = serializers.EmailField(required=False, allow_blank=True)


class CreateContactInput(EditContactInput):
    customer = RecordField(slug_field="uid", queryset=Customer.objects.all(), required=False)
    name = serializers.CharField(max_length=60)


class TeamField(RecordField):
    """Every colleague knows every team."""

    def get_queryset(self) -> QuerySet[Team]:
        return Team.objects.all()


def _team() -> TeamField:
    return TeamField("uid", queryset=Team.objects.all(), required=False, allow_null=True)


class EditProductInput(ActionInput):
    code = serializers.CharField(max_length=30, required=False)
    name = serializers.CharField(max_length=80, required=False)
    team = _team()


class CreateProductInput(ActionInput):
    code = serializers.CharField(max_length=30)
    name = serializers.CharField(max_length=80)
    team = _team()


class EditPartInput(ActionInput):
    code = serializers.CharField(max_length=30, required=False)
    name = serializers.CharField(max_length=80, required=False)
    spec = serializers.CharField(max_length=80, required=False, allow_blank=True)
    unit = serializers.CharField(max_length=10, required=False, allow_blank=True)


class CreatePartInput(EditPartInput):
    code = serializers.CharField(max_length=30)
    name = serializers.CharField(max_length=80)


class ChangeInstallationInput(ActionInput):
    software_version = serializers.CharField(max_length=30, required=False, allow_blank=True)
    remote_id = serializers.CharField(max_length=60, required=False, allow_blank=True)
    installed_on = serializers.DateField(required=False, allow_null=True)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class CreateInstallationInput(ChangeInstallationInput):
    store = RecordField(slug_field="uid", queryset=Store.objects.all())
    product = RecordField(slug_field="uid", queryset=Product.objects.all())


class EditContractInput(ActionInput):
    number = serializers.CharField(max_length=40, required=False)
    title = serializers.CharField(max_length=120, required=False)
    starts_on = serializers.DateField(required=False)
    ends_on = serializers.DateField(required=False, allow_null=True)


class CreateContractInput(EditContractInput):
    customer = RecordField(slug_field="uid", queryset=Customer.objects.all())
    number = serializers.CharField(max_length=40)
    title = serializers.CharField(max_length=120)
    starts_on = serializers.DateField()


class RevealInput(ActionInput):
    reason = serializers.CharField(max_length=200)


class PhoneAnswer(serializers.Serializer[Any]):
    phone = serializers.CharField()


# --- The resources --------------------------------------------------------------------------------


class MasterDataViewSet(DeskViewSet):
    """What all five have in common."""

    @verb()
    def deactivate(self, item: Any, data: dict[str, Any]) -> Any:
        return actions.deactivate(item, **data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb()
    def reactivate(self, item: Any, data: dict[str, Any]) -> Any:
        return actions.reactivate(item, **data, by=self.request.actor)  # type: ignore[attr-defined]

    def text(self) -> str:
        return self.request.query_params.get("q", "")[:60]


class WithPhone(MasterDataViewSet):
    @extend_schema(
        request=RevealInput, responses={200: PhoneAnswer, 403: Problem, 404: Problem, 409: Problem}
    )
    @route(detail=True, methods=["post"], url_path="reveal-phone")
    def reveal_phone(self, request: Request, **kwargs: Any) -> Response:
        """The whole number. Who asked, and what for, is written into the journal.

        No `Idempotency-Key`: an answer that is kept would keep the number.
        """
        data = self.input(RevealInput)
        phone = actions.reveal_phone(self.get_object(), **data, by=request.actor)  # type: ignore[attr-defined]
        return Response({"phone": phone}, status=status.HTTP_200_OK)


@extend_schema(parameters=[SEARCH])
class CustomerViewSet(MasterDataViewSet):
    serializer_class = CustomerSerializer

    def get_queryset(self) -> QuerySet[Customer]:
        found = Customer.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return queries.customers_matching(found, self.text()).defer("search")

    @verb(CreateCustomerInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Customer:
        return actions.create_customer(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditCustomerInput)
    def edit(self, customer: Customer, data: dict[str, Any]) -> Customer:
        return actions.edit_customer(customer, **data, by=self.request.actor)  # type: ignore[attr-defined]


@extend_schema(parameters=[SEARCH])
class StoreViewSet(WithPhone):
    serializer_class = StoreSerializer

    def get_queryset(self) -> QuerySet[Store]:
        found = Store.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return (
            queries.stores_matching(found, self.text())
            .select_related("customer")
            .defer("search", "customer__search")
        )

    @verb(CreateStoreInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Store:
        return actions.create_store(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditStoreInput)
    def edit(self, store: Store, data: dict[str, Any]) -> Store:
        return actions.edit_store(store, **data, by=self.request.actor)  # type: ignore[attr-defined]


@extend_schema(parameters=[SEARCH])
class ContactViewSet(WithPhone):
    serializer_class = ContactSerializer

    def get_queryset(self) -> QuerySet[Contact]:
        found = Contact.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return queries.contacts_matching(found, self.text()).select_related("customer", "store")

    @verb(CreateContactInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Contact:
        return actions.create_contact(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditContactInput)
    def edit(self, contact: Contact, data: dict[str, Any]) -> Contact:
        return actions.edit_contact(contact, **data, by=self.request.actor)  # type: ignore[attr-defined]


class ProductViewSet(MasterDataViewSet):
    serializer_class = ProductSerializer

    def get_queryset(self) -> QuerySet[Product]:
        actor = self.request.actor  # type: ignore[attr-defined]
        return Product.objects.visible_to(actor).select_related("team")

    @verb(CreateProductInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Product:
        return actions.create_product(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditProductInput)
    def edit(self, product: Product, data: dict[str, Any]) -> Product:
        return actions.edit_product(product, **data, by=self.request.actor)  # type: ignore[attr-defined]


@extend_schema(parameters=[SEARCH])
class StockPartViewSet(MasterDataViewSet):
    """The list of parts that work records choose from."""

    serializer_class = StockPartSerializer

    def get_queryset(self) -> QuerySet[StockPart]:
        found = StockPart.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return queries.stock_parts_matching(found, self.text()).defer("search")

    @verb(CreatePartInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> StockPart:
        return actions.create_stock_part(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditPartInput)
    def edit(self, part: StockPart, data: dict[str, Any]) -> StockPart:
        return actions.edit_stock_part(part, **data, by=self.request.actor)  # type: ignore[attr-defined]


class InstallationViewSet(MasterDataViewSet):
    serializer_class = InstallationSerializer

    def get_queryset(self) -> QuerySet[Installation]:
        found = Installation.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return found.select_related("store", "product")

    @verb(CreateInstallationInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Installation:
        return actions.create_installation(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(ChangeInstallationInput)
    def change(self, installation: Installation, data: dict[str, Any]) -> Installation:
        return actions.change_installation(
            installation,
            **data,
            by=self.request.actor,  # type: ignore[attr-defined]
        )


class ContractViewSet(DeskViewSet):
    """What was agreed with a customer, and for how long."""

    serializer_class = ContractSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_fields = ["customer__uid", "number"]

    def get_queryset(self) -> QuerySet[Contract]:
        found = Contract.objects.visible_to(self.request.actor)  # type: ignore[attr-defined]
        return found.select_related("customer")

    @verb(CreateContractInput, detail=False)
    def add(self, _none: None, data: dict[str, Any]) -> Contract:
        return actions.create_contract(**data, by=self.request.actor)  # type: ignore[attr-defined]

    @verb(EditContractInput)
    def edit(self, contract: Contract, data: dict[str, Any]) -> Contract:
        return actions.edit_contract(contract, **data, by=self.request.actor)  # type: ignore[attr-defined]


def register(router: BaseRouter) -> None:
    """The resources of this app below /api/v1/."""
    router.register("customers", CustomerViewSet, basename="customer")
    router.register("stores", StoreViewSet, basename="store")
    router.register("contacts", ContactViewSet, basename="contact")
    router.register("products", ProductViewSet, basename="product")
    router.register("parts", StockPartViewSet, basename="part")
    router.register("contracts", ContractViewSet, basename="contract")
    router.register("installations", InstallationViewSet, basename="installation")
