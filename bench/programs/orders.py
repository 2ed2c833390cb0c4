"""A batch job over orders: what a python program that works on a few hundred megabytes of its own objects does.

    orders.py FILE...     one export per region, of lines "region;number;customer;name:price:count|name:price:count…"

For each region it reads the lines into objects that refer to one another, keeps them in dicts and lists, groups, sorts,
prices and renders them as JSON, reads part of that back, and drops the region once the next one is there.
"""

import collections
import gc
import heapq
import json
import re
import sys

WORD = re.compile(r"[a-z]+")


class Item:
    def __init__(self, name, price, count):
        self.name = name
        self.price = price
        self.count = count

    def total(self):
        return self.price * self.count * (0.95 if self.count >= 10 else 1.0)


class Order:
    def __init__(self, number, customer, items):
        self.number = number
        self.customer = customer
        self.items = items
        self.tags = set()

    def total(self):
        return sum(item.total() for item in self.items)


def parse(lines):
    orders = []
    for line in lines:
        region, number, customer, items = line.rstrip().split(";")
        parts = (item.split(":") for item in items.split("|"))
        orders.append(Order((region, int(number)), customer,
                            [Item(name, float(price), int(count)) for name, price, count in parts]))
    return orders


def tag(orders):
    for order in orders:
        total = order.total()
        order.tags.add("large" if total > 5000 else "small")
        if len(order.items) > 4 and any(item.count > 20 for item in order.items):
            order.tags.add("bulk")
        if max(item.price for item in order.items) < 20:
            order.tags.add("cheap")


def by_customer(orders):
    groups = collections.defaultdict(list)
    for order in orders:
        groups[order.customer].append(order)
    for group in groups.values():
        group.sort(key=Order.total, reverse=True)
    return groups


def stock(orders):
    counts = collections.Counter()
    for order in orders:
        for item in order.items:
            counts[item.name] += item.count
    return counts


def documents(groups):
    for customer, orders in groups.items():
        yield json.dumps({"customer": customer, "total": round(sum(map(Order.total, orders)), 2),
                          "orders": [{"number": order.number[1], "tags": sorted(order.tags),
                                      "items": [[item.name, item.price, item.count] for item in order.items]}
                                     for order in orders]})


def words_of(parsed):
    counts = collections.Counter()
    for document in parsed:
        counts.update(WORD.findall(" ".join(item[0] for order in document["orders"] for item in order["items"])))
    return counts


def work(export):
    with open(export) as file:
        lines = file.readlines()
    orders = parse(lines)
    tag(orders)
    groups = by_customer(orders)
    texts = list(documents(groups))
    best = heapq.nlargest(10, orders, key=Order.total)
    parsed = [json.loads(text) for text in texts[::2]]
    summary = (len(orders), stock(orders).most_common(3), words_of(parsed), round(best[0].total(), 2))
    return summary, lines, groups, texts, parsed


def main():
    gc.set_threshold(4_000, 40)  # Fewer collections, as is usual with many objects that live long.
    kept = None
    for export in sys.argv[1:]:
        kept = work(export)
        print(*kept[0])


main()
