"""The people and places of the demo: colleagues, customers, stores, products, knowledge."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import override_settings

from accounts.actions import create_team, create_user, edit_team
from accounts.models import Team, User
from customers import actions as customers
from customers.models import Contact, Customer, Installation, Product, Store
from knowledge import actions as knowledge
from knowledge.models import FaultCategory
from servicedesk.core.actors import SYSTEM
from servicedesk.desk.demo import names
from sla import actions as sla
from tickets.actions.referrals import add_target
from tickets.models import ReferralTarget

PASSWORD = "demo-service-2026"  # noqa: S105 - printed for everybody who starts the demo


class HashOnce(Argon2PasswordHasher):
    """The hasher of the product; the one password of all accounts takes its time only once."""

    salt = cache(Argon2PasswordHasher.salt)
    encode = cache(Argon2PasswordHasher.encode)


@dataclass
class Place:
    """A store with a person and a product to call about."""

    store: Store
    contact: Contact
    installation: Installation


@dataclass
class World:
    dice: random.Random
    people: dict[str, User] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    categories: dict[str, FaultCategory] = field(default_factory=dict)
    referrals: dict[str, ReferralTarget] = field(default_factory=dict)

    def of_role(self, role: str) -> list[User]:
        return [user for user in self.people.values() if user.role == role]

    def name(self) -> str:
        return self.dice.choice(names.SURNAMES) + self.dice.choice(names.GIVEN)


def build(at: datetime, dice: random.Random) -> World:
    world = World(dice)
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.HashOnce"]):
        _people(world, at)
    _places(world, at)
    _knowledge(world, at)
    _terms(at)
    return world


def _people(world: World, at: datetime) -> None:
    teams: dict[str, Team] = {
        name: create_team(name=name, at=at, by=SYSTEM) for name in names.LEADERS
    }
    for number, colleague in enumerate(names.COLLEAGUES, start=1):
        world.people[colleague.username] = create_user(
            username=colleague.username, name=colleague.name, role=colleague.role,
            password=None if colleague.role == "client" else PASSWORD, team=teams[colleague.team],
            email=f"{colleague.username}@example.com", phone=f"1380000{number:04d}",
            staff_number=f"YW{number:04d}", at=at, by=SYSTEM,
        )  # fmt: skip
    for team, leader in names.LEADERS.items():
        edit_team(teams[team], name=team, leader=world.people[leader], at=at, by=SYSTEM)


def _places(world: World, at: datetime) -> None:
    dice = world.dice
    products: list[Product] = [
        customers.create_product(code=code, name=name, at=at, by=SYSTEM)
        for code, name in names.PRODUCTS
    ]
    for code, name, spec, unit, _serial in names.PARTS:
        customers.create_stock_part(code=code, name=name, spec=spec, unit=unit, at=at, by=SYSTEM)
    companies = {
        code: customers.create_customer(
            code=code, name=name, short_name=short, industry=industry, is_key_account=key,
            at=at, by=SYSTEM,
        )
        for short, name, code, industry, key in names.CUSTOMERS
    }  # fmt: skip
    for number, (code, name, city, district, address) in enumerate(names.STORES, start=1):
        store = customers.create_store(
            customer=companies[code], name=name, code=f"{code}{number:03d}",
            city=city, district=district, address=address, phone=f"021-5550{number:04d}",
            opening_hours="09:30–22:00", at=at, by=SYSTEM,
        )  # fmt: skip
        position, address_as = dice.choice(names.POSITIONS)
        person = world.name()
        contact = customers.create_contact(
            store=store, name=person, salutation=f"{person[0]}{address_as}", position=position,
            phone=f"1390000{number:04d}", email=f"store{number:03d}@example.com", at=at, by=SYSTEM,
        )  # fmt: skip
        installations = [
            customers.create_installation(
                store=store, product=product, software_version=dice.choice(names.VERSIONS),
                remote_id=f"{dice.randint(100, 999)} {dice.randint(100, 999)} {dice.randint(100, 999)}",
                installed_on=(at - timedelta(days=dice.randint(100, 900))).date(), at=at, by=SYSTEM,
            )
            for product in products[: dice.choice([1, 1, 2, 3])]
        ]  # fmt: skip
        world.places.append(Place(store, contact, installations[0]))


def _knowledge(world: World, at: datetime) -> None:
    for code, name, parent in names.CATEGORIES:
        world.categories[code] = knowledge.create_category(
            code=code, name=name, parent=world.categories.get(parent), at=at, by=SYSTEM
        )
    for topic, name, phone in names.REFERRALS:
        world.referrals[topic] = add_target(topic=topic, name=name, phone=phone, at=at, by=SYSTEM)
    author = world.people["wangtao"].as_actor()
    for case in names.CASES[:5]:
        article = knowledge.create_article(
            title=case.title, symptom=case.need, cause=case.cause, solution=case.solution,
            product=world.places[0].installation.product,
            category=world.categories[case.category], at=at, by=author,
        )  # fmt: skip
        knowledge.publish(article, at=at, by=world.people["zhaomin"].as_actor())


def _terms(at: datetime) -> None:
    """Office hours, and what a key account has agreed upon."""
    office = sla.create_calendar(
        code="OFFICE", name="办公时间", zone="Asia/Shanghai", weekly=names.OFFICE_HOURS,
        follows_public_holidays=True, at=at, by=SYSTEM,
    )  # fmt: skip
    sla.create_policy(kind="visit.check", name="办公时间内核单", calendar=office, at=at, by=SYSTEM)
    short, _name, code, *_rest = names.CUSTOMERS[0]
    sla.create_policy(
        kind="ticket.response", name=f"{short} 15 分钟响应", target=timedelta(minutes=15),
        customer=Customer.objects.get_queryset().get(code=code), at=at, by=SYSTEM,
    )  # fmt: skip
