"""The programs that bench/record measures, and the inputs that it makes for them.

Each function fills a folder with the inputs of its workload, `scale` times their usual size, and returns how to run it.
The sizes are chosen so that the native times, events and peaks come close to the ones with which heaptrack was measured
before there was a Tidemark (on the same kind of machine: two cores, Debian 12).
"""

import json
import os
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
OUR_PROGRAMS = PROJECT / "build/release/bin/bench"


@dataclass
class Workload:
    name: str
    command: list
    env: dict = field(default_factory=dict)
    client: list | None = None  # a server's load: its time is what counts
    ready: list | None = None  # succeeds once the server answers
    stop: list | None = None


def python3(inputs: Path, scale: float) -> Workload:
    """A batch job over orders (bench/programs/orders.py): 25 million allocations, 450 MB of objects."""
    exports = []
    for region in range(2):
        choose = random.Random(region)
        export = inputs / f"region{region}.txt"
        with open(export, "w") as out:
            for customer in range(int(21_000 * scale) or 1):
                for number in range(4):
                    items = [f"thing {choose.randrange(900)}:{choose.randrange(10_000) / 100}:"
                             f"{1 + choose.randrange(30)}" for _ in range(1 + choose.randrange(6))]
                    out.write(f"{region};{number};customer {customer};{'|'.join(items)}\n")
        exports.append(export)
    return Workload("python3", ["/usr/bin/python3", PROJECT / "bench/programs/orders.py", *exports],
                    {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"})


def sqlite3(inputs: Path, scale: float) -> Workload:
    """A table in memory is filled, indexed, updated, joined, sorted and aggregated."""
    rows = int(380_000 * scale)
    script = inputs / "rows.sql"
    script.write_text(f"""
        CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
          INSERT INTO item SELECT i, printf('item %d of the table', i), i * 0.25 FROM n;
        CREATE INDEX by_name ON item(name);
        UPDATE item SET price = price * 1.1, name = upper(name) WHERE id % 3 = 0;
        SELECT substr(name, 1, 7), count(*), sum(price), group_concat(id % 10) FROM item GROUP BY 1 ORDER BY 2 DESC;
        SELECT count(*) FROM item AS a JOIN item AS b ON a.name = b.name;
        SELECT sum(a.price - b.price) FROM item AS a JOIN item AS b ON b.id = (a.id * 7919) % {rows} + 1;
        SELECT count(*), avg(price) FROM item WHERE name LIKE '%99 of%' OR name LIKE '%THE%7%';
        SELECT max(length(replace(name, 'item', 'thing'))) FROM item;
        SELECT id FROM item ORDER BY price % 1000, name LIMIT 10 OFFSET 50000;
        SELECT count(*) FROM (SELECT id, rank() OVER (PARTITION BY id % 100 ORDER BY price DESC) AS place FROM item)
          WHERE place <= 3;
    """)
    return Workload("sqlite3", ["sqlite3", ":memory:", f".read {script}"])


def jq(inputs: Path, scale: float) -> Workload:
    """Large arrays of objects are filtered and grouped, one after the other."""
    documents = []
    for number in range(2):
        choose = random.Random(number)
        documents.append(inputs / f"items{number}.json")
        with open(documents[-1], "w") as out:
            json.dump([{"id": i, "name": f"name {choose.randrange(1000)}", "tags": ["red", "green", f"tag{i % 97}"],
                        "prices": [choose.randrange(10000) / 100 for _ in range(4)]}
                       for i in range(int(100_000 * scale))], out)
    query = """map(select(.id % 3 > 0) | {name, total: (.prices | add), tags: (.tags | join(","))})
               | group_by(.name) | map({name: .[0].name, count: length, sum: (map(.total) | add)})"""
    return Workload("jq", ["jq", query, *documents])


def redis(inputs: Path, scale: float) -> Workload:
    """redis-server under redis-benchmark over a local socket: a throughput."""
    socket = inputs / "redis.socket"
    server = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no",
              "--dir", inputs, "--loglevel", "warning"]
    client = ["redis-benchmark", "-s", socket, "-q", "-n", str(int(250_000 * scale)), "-c", "20", "-P", "8",
              "-r", "100000", "-d", "64", "-t", "set,get,lpush,sadd,hset,zadd"]
    control = ["redis-cli", "-s", socket]
    return Workload("redis-server", server, client=client, ready=[*control, "ping"],
                    stop=[*control, "shutdown", "nosave"])


def write_templates(source: Path, types: int) -> None:
    """A C++ file that makes the compiler instantiate much of the standard library for so many types."""
    source.write_text("\n".join(
        ["#include <algorithm>", "#include <functional>", "#include <map>", "#include <memory>", "#include <string>",
         "#include <tuple>", "#include <variant>", "#include <vector>"] +
        [f"""
        struct Type{i} {{
          int key;
          std::string name;
          bool operator<(const Type{i}& other) const {{ return key < other.key; }}
        }};
        using Variant{i} = std::variant<Type{i}, std::tuple<int, Type{i}, double>, std::vector<Type{i}>>;
        int use{i}(std::map<Type{i}, std::vector<Variant{i}>>& map, std::function<bool(const Type{i}&)> test) {{
          std::vector<Type{i}> all;
          for (auto& [type, list] : map) {{
            const Type{i}& key = type;
            if (test(key)) all.push_back(key);
            for (auto& entry : list) std::visit([&](auto& value) {{ (void)value; all.push_back(key); }}, entry);
          }}
          std::sort(all.begin(), all.end());
          std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) {{ return a.name < b.name; }});
          map[all.front()].emplace_back(std::move(all));
          return static_cast<int>(map.size());
        }}""" for i in range(types)]))


def cc1plus(inputs: Path, scale: float) -> Workload:
    """gcc's compiler proper on a preprocessed file full of templates, with optimisation."""
    source = inputs / "templates.cpp"
    write_templates(source, int(7 * scale) or 1)
    preprocessed = inputs / "templates.ii"
    subprocess.run(["g++", "-std=c++20", "-E", source, "-o", preprocessed], check=True)
    compiler = subprocess.run(["g++", "-print-prog-name=cc1plus"], check=True, capture_output=True, text=True)
    return Workload("cc1plus", [compiler.stdout.strip(), "-quiet", "-fpreprocessed", "-std=c++20", "-O1", preprocessed,
                                "-o", "/dev/null"])


def clang(inputs: Path, scale: float) -> Workload:
    """clang on a file full of templates, with debug information, to an object file: one process, deep stacks."""
    source = inputs / "templates.cpp"
    write_templates(source, int(16 * scale) or 1)
    return Workload("clang", ["clang++", "-std=c++20", "-g", "-c", source, "-o", inputs / "templates.o"])


def xmllint(inputs: Path, scale: float) -> Workload:
    """Large documents are parsed into trees and printed again, one after the other."""
    documents = []
    for number in range(3):
        choose = random.Random(number)
        documents.append(inputs / f"items{number}.xml")
        with open(documents[-1], "w") as out:
            out.write("<items>\n")
            for i in range(int(370_000 * scale)):
                out.write(f'<item id="{i}" kind="kind{i % 50}"><name>name {choose.randrange(10**6)}</name>'
                          f"<price currency='EUR'>{i * 0.25}</price><note>some &lt;text&gt; of item {i}</note>"
                          "</item>\n")
            out.write("</items>\n")
    return Workload("xmllint", ["xmllint", "--format", *documents])


def git(inputs: Path, scale: float) -> Workload:
    """The patches of a generated history."""
    repository = inputs / "repository"
    environment = {"HOME": str(inputs), "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"}
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True, env={**os.environ, **environment})
    choose = random.Random(1)
    files = [[f"line {choose.randrange(10**9)} of file {name}\n" for _ in range(400)] for name in range(40)]
    stream = []
    for commit in range(int(4000 * scale) or 1):
        stream.append(f"commit refs/heads/main\ncommitter A <a@example.org> {1_700_000_000 + commit} +0000\n"
                      f"data 7\ncommit\n\n")
        for name in choose.sample(range(len(files)), 3):
            lines = files[name]
            for _ in range(6):
                lines[choose.randrange(len(lines))] = f"line {choose.randrange(10**9)} of file {name}\n"
            text = "".join(lines)
            stream.append(f"M 100644 inline file{name}.txt\ndata {len(text)}\n{text}\n")
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet"], check=True, input="".join(stream).encode(),
                   env={**os.environ, **environment})
    return Workload("git", ["git", "-C", repository, "log", "-p", "--stat", "main"], environment)


def cfrac_like(inputs: Path, scale: float) -> Workload:
    """One thread, nothing but tiny short-lived blocks: factors numbers with big numbers from the heap."""
    return Workload("cfrac-like", [OUR_PROGRAMS / "cfrac_like", str(int(5 * scale) or 1)])


def espresso_like(inputs: Path, scale: float) -> Workload:
    """One thread, lists of small sets along a deep recursion: minimises two-level logic."""
    return Workload("espresso-like", [OUR_PROGRAMS / "espresso_like", str(int(60 * scale) or 1)])


def larson_like(inputs: Path, scale: float, threads: int = 2) -> Workload:
    """Threads replace random blocks of an array and leave it to a successor; the work is shared by the threads."""
    return Workload("larson-like", [OUR_PROGRAMS / "larson_like", str(int(80_000_000 * scale)), str(threads)])


def producer_consumer(inputs: Path, scale: float) -> Workload:
    """Two threads: one allocates every block, the other frees it."""
    return Workload("producer-consumer", [OUR_PROGRAMS / "producer_consumer", str(int(36_000_000 * scale))])


# Every workload, and what Tidemark's ratio to native is to be at most.
WORKLOADS = {"python3": python3, "sqlite3": sqlite3, "jq": jq, "redis-server": redis, "cc1plus": cc1plus,
             "clang": clang, "xmllint": xmllint, "git": git, "cfrac-like": cfrac_like, "espresso-like": espresso_like,
             "larson-like": larson_like, "producer-consumer": producer_consumer}
TARGETS = {"python3": 1.25, "sqlite3": 1.12, "jq": 1.12, "redis-server": 1.20, "cc1plus": 1.20, "clang": 1.25,
           "xmllint": 1.40, "cfrac-like": 2.2, "larson-like": 2.0, "producer-consumer": 1.6}
