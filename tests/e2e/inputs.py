"""Inputs for the real programs: generated, the same in every run."""

import json
import random
import subprocess
from pathlib import Path

_PYTHON = """\
import collections, json, re, sys
lines = [f"{number},name {number % 997},{number * 0.25},tag{number % 13}" for number in range(2000)]
word = re.compile(r"[a-z]+ ?")
totals = collections.Counter()
for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS):
    rows = [line.split(",") for line in lines]
    for number, name, price, tag in rows:
        totals[name.title(), tag] += float(price)
    rows.sort(key=lambda row: (row[3], -int(row[0])))
    text = json.dumps([{"id": row[0], "name": row[1], "price": row[2]} for row in rows[:400]])
    items = json.loads(text)
    totals["words"] += sum(len(word.findall(item["name"])) for item in items)
print(len(totals), totals["words"])
print("to stderr", file=sys.stderr)
"""

_SQL = """\
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
  INSERT INTO item SELECT i, printf('item %d of the table', i), i * 0.25 FROM n;
CREATE INDEX by_name ON item(name);
UPDATE item SET price = price * 1.1, name = upper(name) WHERE id % 3 = 0;
SELECT substr(name, 1, 7), count(*), sum(price), group_concat(id % 10) FROM item GROUP BY 1 ORDER BY 2 DESC;
SELECT count(*) FROM item AS a JOIN item AS b ON a.name = b.name;
"""

_HEADERS = ["algorithm", "functional", "map", "memory", "string", "tuple", "variant", "vector"]
_TYPE = """\
struct TypeN { int key; std::string name; bool operator<(const TypeN& o) const { return key < o.key; } };
using VariantN = std::variant<TypeN, std::tuple<int, TypeN, double>, std::vector<TypeN>>;
int useN(std::map<TypeN, std::vector<VariantN>>& map, std::function<bool(const TypeN&)> test) {
  std::vector<TypeN> all;
  for (auto& [key, list] : map) {
    if (test(key)) all.push_back(key);
    for (auto& entry : list) std::visit([&](auto& value) { (void)value; all.push_back(key); }, entry);
  }
  std::sort(all.begin(), all.end());
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; });
  map[all.front()].emplace_back(std::move(all));
  return static_cast<int>(map.size());
}
"""

# What a python program keeps, and when. Ordinary work stands before and after, as in a program that does something.
_KEEPING = """\
import json, sys, time
TOTAL, ROUNDS = int(sys.argv[1]), int(sys.argv[2])

def ordinary_work(number):
    rows = [{"id": i, "name": f"name {i * number % 997}", "price": i / 4} for i in range(600)]
    items = json.loads(json.dumps(rows))
    groups = {}
    for item in items:
        groups.setdefault(item["name"], []).append(item["price"] * 2)
    text = ";".join(f"{name}={sum(prices):.1f}" for name, prices in sorted(groups.items()))
    time.sleep(0.002)
    return len(text.upper().split(";"))

"""
_WARM_UP = "done = sum(ordinary_work(number) for number in range(ROUNDS // 4))\n"
_HOLD = """\
data = [f"string number {i} of the data" for i in range(TOTAL)]
for number in range(ROUNDS):
    done += ordinary_work(number) + len(data[number * 7919 % TOTAL])
print(done, len(data))
"""
_RELEASE = """\
data = [f"string number {i} of the data" for i in range(TOTAL)]
for number in range(ROUNDS // 4):
    done += ordinary_work(number) + len(data[number * 7919 % TOTAL])
del data
for number in range(ROUNDS):
    done += ordinary_work(number)
print(done)
"""
_LEAK = """\
global_store = []

def handle(number, size):
    for i in range(size):
        global_store.append(f"string {i} of request {number}, never asked for again")
    return ordinary_work(number)

for number in range(ROUNDS):
    done += handle(number, TOTAL // ROUNDS)
print(done, len(global_store))
"""
KEEPING = {"hold": _HOLD, "release": _RELEASE, "leak": _LEAK}


def python_script(folder: Path, rounds: int) -> Path:
    """About 30,000 allocations a round."""
    script = folder / "script.py"
    script.write_text(_PYTHON.replace("ROUNDS", str(rounds)))
    return script


def keeping_script(folder: Path, name: str) -> Path:
    """Arguments: how many strings it keeps in all, and in how many rounds it works."""
    script = folder / f"{name}.py"
    script.write_text(_KEEPING + _WARM_UP + KEEPING[name])
    return script


def sqlite_script(folder: Path, rows: int) -> Path:
    script = folder / "rows.sql"
    script.write_text(_SQL.replace("ROWS", str(rows)))
    return script


def json_items(folder: Path, count: int) -> Path:
    choose = random.Random(2)
    path = folder / "items.json"
    path.write_text(json.dumps([{"id": number, "name": f"name {choose.randrange(1000)}",
                                 "prices": [choose.randrange(10000) / 100 for _ in range(4)]}
                                for number in range(count)]))
    return path


def xml_document(folder: Path, rows: int) -> Path:
    path = folder / "document.xml"
    rows = [f'<row id="{number}"><name>name {number % 997}</name><price>{number * 0.25}</price></row>'
            for number in range(rows)]
    path.write_text("<rows>" + "".join(rows) + "</rows>")
    return path


def templates(folder: Path, types: int) -> Path:
    path = folder / "templates.cpp"
    path.write_text("\n".join([f"#include <{header}>" for header in _HEADERS] +
                              [_TYPE.replace("N", str(number)) for number in range(types)]))
    return path


def preprocessed_templates(folder: Path, types: int) -> Path:
    preprocessed = folder / "templates.ii"
    subprocess.run(["g++", "-std=c++20", "-E", templates(folder, types), "-o", preprocessed], check=True)
    return preprocessed
