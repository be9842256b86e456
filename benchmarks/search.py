"""How fast master data is found: `python -m benchmarks.search --stores 100000`.

Stores, customers and people are written by COPY into a scratch database; then each text is
searched as the pages and the fields that choose by typing do it; the last word tells whether the
index of the stores serves it. The floor is the same text as `LIKE` over the name alone.
"""

from __future__ import annotations

import argparse
import os
import random
import time
import uuid
from collections.abc import Callable, Iterable
from io import StringIO
from typing import Any

from benchmarks.sweep import scratch_database

NAMES = "华联永辉世纪金源万达银泰百盛天虹苏果物美大润发家乐福新合作红旗美宜佳盒马鲜生开心惠民康宁"
ROADS = "中山人民解放建设和平胜利文化学府科技光明幸福友谊团结新华滨河环城迎宾大兴长江黄河东风青年"
KINDS = ["超市", "便利店", "百货", "生鲜", "购物中心", "药房", "母婴", "家居"]
PLACES = [("北京市", "大兴区"), ("上海市", "徐汇区"), ("广州市", "天河区"), ("成都市", "武侯区")]
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈", "伟芳娜秀英敏静丽强磊军洋勇艳杰娟"
# Rare and common, two and three signs, pinyin, figures; the last ones bring nearly everything.
TEXTS = [
    "大兴", "大兴区", "永辉", "松花江路", "dxl", "yhcs", "daxing", "张伟", "1380", "138123",
    "S012345", "鑫鑫", "超市", "店", "ng",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings_test")
    with scratch_database("servicedesk_benchmark_search"):
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        fill(options.stores)
        measure(options.repeat)
        connection.close()


def fill(stores: int) -> None:
    from servicedesk.core.search import spelled

    chance = random.Random(7)
    customers, shops, people = [], [], []

    def some(signs: str, count: int) -> str:
        return "".join(chance.choice(signs) for _ in range(count))

    shorts = []
    for i in range(1, stores // 20 + 1):
        short = some(NAMES, chance.choice([2, 3])) + chance.choice(KINDS)
        shorts.append(short)
        customers.append(
            (i, f"K{i:05d}", f"{short}有限公司", short, spelled(f"{short}有限公司", short))
        )
    for i in range(1, stores + 1):
        owner, (city, district) = chance.randint(1, len(shorts)), chance.choice(PLACES)
        road = some(ROADS, 2) + chance.choice(["路", "街", "大道"])
        name, phone = f"{shorts[owner - 1]}{road}店", f"010{chance.randint(20000000, 89999999)}"
        shops.append(
            (
                i,
                owner,
                f"S{i:06d}",
                name,
                spelled(name),
                city,
                district,
                f"{road} 8 号",
                phone,
                phone,
            )
        )
    for i in range(1, stores * 3 // 2 + 1):
        shop, name = chance.choice(shops), some(SURNAMES, 1) + some(GIVEN, chance.choice([1, 2]))
        phone = f"1{chance.choice(['38', '39', '50', '86'])}{chance.randint(0, 99999999):08d}"
        people.append((i, shop[1], shop[0], name, spelled(name), phone, phone))
    started = time.perf_counter()
    copy("customer", "id, code, name, short_name, pinyin", customers,
         "industry, is_key_account, note, is_active", ("", "f", "", "t"))  # fmt: skip
    copy("store", "id, customer_id, code, name, pinyin, city, district, address, phone, phone_digits",
         shops, "province, opening_hours, note, is_active", ("", "", "", "t"))  # fmt: skip
    copy("contact", "id, customer_id, store_id, name, pinyin, phone, phone_digits", people,
         "salutation, position, email, is_active", ("", "", "", "t"))  # fmt: skip
    print(f"{len(shops)} stores and {len(people)} people in {time.perf_counter() - started:.0f} s")


def copy(
    table: str, columns: str, rows: Iterable[tuple[Any, ...]], rest: str, values: tuple[str, ...]
) -> None:
    from django.db import connection

    text = StringIO()
    for row in rows:
        cells = (*row, uuid.uuid4(), 1, "2026-01-01 00:00+00", *values)
        text.write("\t".join(str(cell) for cell in cells) + "\n")
    text.seek(0)
    with connection.cursor() as cursor:
        cursor.cursor.copy_expert(
            f"COPY customers_{table} ({columns}, uid, version, created_at, {rest}) FROM stdin", text
        )
        cursor.execute(f"VACUUM ANALYZE customers_{table}")


def measure(repeat: int) -> None:
    from customers import queries
    from customers.models import Customer, Store
    from servicedesk.core.search import matching

    columns: dict[str, Callable[[str], Any]] = {
        "field: stores": lambda text: list(queries.search_stores(text)),
        "field: customers": lambda text: list(queries.search_customers(text)),
        "page: stores": lambda text: list(
            queries.stores_matching(Store.objects.active(), text).defer("search")[:51]
        ),
        "page: customers": lambda text: list(
            queries.customers_matching(Customer.objects.active(), text).defer("search")[:51]
        ),
        "callers": lambda text: queries.find_callers(text),
        "floor: LIKE": lambda text: list(
            Store.objects.filter(name__icontains=text).order_by("pinyin", "id").values("pk")[:20]
        ),
    }
    print("ms, best of", repeat)
    print("text".ljust(12), *(name.rjust(17) for name in columns))
    for text in TEXTS:
        figures = []
        for search in columns.values():
            best = min(timed(search, text) for _ in range(repeat))
            figures.append(f"{best * 1000:17.1f}")
        stores = matching(Store.objects.order_by(), text, *queries.STORE_FIELDS)
        index = "index" if "customers_store_search" in stores.explain() else "whole table"
        print(text.ljust(12 - sum(ord(sign) > 255 for sign in text)), *figures, index)


def timed(search: Callable[[str], Any], text: str) -> float:
    started = time.perf_counter()
    search(text)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
