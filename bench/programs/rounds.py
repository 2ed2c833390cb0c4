"""A healthy program for bench/injected: each round does a little of many things, and keeps nothing of it.

    rounds.py ROUNDS
"""

import array
import ast
import base64
import collections
import configparser
import copy
import csv
import datetime
import decimal
import difflib
import fractions
import functools
import heapq
import io
import itertools
import json
import pickle
import random
import re
import string
import struct
import sys
import textwrap
import tokenize
import xml.etree.ElementTree
import zlib

WORDS = [first + second + third
         for first in ("ka", "ro", "mi", "su") for second in "aeiou" for third in ("nd", "rt", "lm")]

SOURCE = """\
class Account:
    def __init__(self, owner, balance=0):
        self.owner, self.balance = owner, balance
    def pay(self, amount, *others, reason="none"):
        try:
            self.balance -= amount if amount < self.balance else 0
        except (TypeError, ValueError) as problem:
            raise RuntimeError(f"{self.owner}: {problem!r}") from problem
        return [other.balance + amount for other in others if other is not self]
def total(accounts):
    return sum(account.balance for account in accounts) + len({a.owner: a for a in accounts})
"""


class Node:
    def __init__(self, name, value):
        self.name, self.value, self.children = name, value, []


def text_work(choose):
    lines = [",".join(choose.choices(WORDS, k=6)) for _ in range(40)]
    rows = list(csv.reader(io.StringIO("\n".join(lines))))
    output = io.StringIO()
    csv.writer(output).writerows(sorted(rows))
    words = re.findall(r"([a-z])([a-z]+)", output.getvalue())
    swapped = re.sub(r"(\w)(\w+)", lambda match: match[2] + match[1], output.getvalue())
    wrapped = textwrap.wrap(" ".join("-".join(word) for word in words), 60)
    changes = list(difflib.unified_diff(lines[:12], [line.upper() for line in lines[4:12]]))
    template = string.Template("$a and ${b}").substitute(a=wrapped[0], b=len(changes))
    return len(swapped) + len(template) + len("".join(wrapped).encode("utf-16").decode("utf-16").title())


def data_work(choose):
    items = [{"id": number, "word": choose.choice(WORDS), "price": number / 4, "tags": choose.sample(WORDS, 3)}
             for number in range(60)]
    text = json.dumps(items, indent=1)
    again = json.loads(text)
    pickled = pickle.loads(pickle.dumps(again, protocol=4))
    grouped = collections.defaultdict(list)
    for item in pickled:
        grouped[item["word"]].append(item["price"])
    counted = collections.Counter(tag for item in again for tag in item["tags"])
    ordered = collections.OrderedDict(sorted(grouped.items()))
    chain = collections.ChainMap(dict(ordered), dict(counted))
    squeezed = zlib.decompress(zlib.compress(text.encode()))
    encoded = base64.b64encode(struct.pack("<60d", *(item["price"] for item in items)))
    return len(chain) + len(squeezed) + len(encoded) + len(copy.deepcopy(again[:20]))


def number_work(choose):
    decimals = [decimal.Decimal(choose.randrange(10**12)) / 7 for _ in range(60)]
    parts = [fractions.Fraction(choose.randrange(1, 10**9), choose.randrange(1, 10**9)) for _ in range(20)]
    large = functools.reduce(lambda product, factor: product * factor, range(1000, 1120))
    digits = str(large)
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=choose.randrange(2000)) for _ in range(60)]
    written = sorted(day.strftime("%d.%m.%Y") for day in days)
    numbers = array.array("d", (choose.random() for _ in range(300)))
    heap = list(numbers)
    heapq.heapify(heap)
    smallest = [heapq.heappop(heap) for _ in range(100)]
    complexes = [complex(a, b) ** 2 for a, b in itertools.pairwise(smallest)]
    return len(f"{sum(decimals):.3f}{sum(parts)}") + len(digits) + len(written) + len(complexes)


def program_work(choose):
    tree = ast.parse(SOURCE.replace("Account", choose.choice(WORDS).title()))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    space = {}
    exec(compile(tree, "<round>", "exec"), space)
    tokens = list(tokenize.generate_tokens(io.StringIO(SOURCE).readline))
    kind = next(value for value in space.values() if isinstance(value, type))
    accounts = [kind(word, len(word)) for word in WORDS[:30]]
    paid = [account.pay(2, *accounts[:3]) for account in accounts]
    try:
        accounts[0].pay(None)
    except RuntimeError as problem:
        paid.append(str(problem))
    made = type(choose.choice(WORDS), (kind,), {word: property(lambda self: self.owner) for word in WORDS[:12]})
    return len(names) + len(tokens) + space["total"](accounts) + len(paid) + len(dir(made))


def structure_work(choose):
    root = Node("root", 0)
    nodes = [root]
    for number in range(150):
        node = Node(choose.choice(WORDS), number)
        choose.choice(nodes).children.append(node)
        nodes.append(node)
    document = xml.etree.ElementTree.Element("tree")
    for node in nodes[:60]:
        element = xml.etree.ElementTree.SubElement(document, node.name, value=str(node.value))
        element.text = node.name * 2
    again = xml.etree.ElementTree.fromstring(xml.etree.ElementTree.tostring(document))
    settings = configparser.ConfigParser()
    settings.read_string("\n".join(f"[part{n}]\nname = {WORDS[n]}\nsize = {n}" for n in range(20)))
    queue = collections.deque(maxlen=40)
    seen = set()
    for node in sorted(nodes, key=lambda node: (node.name, -node.value)):
        queue.append((node.name, frozenset(node.name), bytearray(node.name.encode())))
        seen.add(node.name + str(node.value))
    walk = (child.value for node in nodes for child in node.children if child.value % 3)
    table = {key: list(group) for key, group in itertools.groupby(sorted(seen), key=lambda name: name[:2])}
    node = nodes = None
    return len(again) + len(settings.sections()) + len(queue) + sum(walk) + len(table)


def main():
    choose = random.Random(11)
    total = 0
    for _ in range(int(sys.argv[1])):
        for work in (text_work, data_work, number_work, program_work, structure_work):
            total += work(choose)
    print(total)


main()
