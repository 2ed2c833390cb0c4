"""The healthy programs that bench/injected plants leaks in: each works in rounds, and frees what a round made."""

import random
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent / "programs"

_WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "juniper"]


@dataclass
class Workload:
    name: str
    command: list
    environment: dict = field(default_factory=dict)


_SQL_START = """\
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, kind INTEGER, note TEXT DEFAULT 'none');
CREATE TABLE sale(id INTEGER PRIMARY KEY, item INTEGER REFERENCES item(id), amount INTEGER CHECK(amount > 0));
CREATE INDEX by_name ON item(name, kind);
CREATE INDEX by_item ON sale(item);
CREATE VIEW priced AS SELECT item.name AS name, sum(amount * price) AS total FROM item JOIN sale ON sale.item = item.id
  GROUP BY item.name;
CREATE TABLE log(text);
CREATE TRIGGER on_sale AFTER INSERT ON sale WHEN new.amount > 90 BEGIN
  INSERT INTO log VALUES ('large ' || new.id); DELETE FROM log WHERE rowid < (SELECT max(rowid) FROM log) - 20; END;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
  INSERT INTO item(name, price, kind) SELECT printf('item %d of all', i % 97), i * 0.25, i % 7 FROM n;
"""

# NUMBER and WORD are replaced by something else in each round.
_SQL_ROUND = """\
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
  INSERT INTO sale(item, amount) SELECT 1 + (i * NUMBER) % 400, 1 + (i * 37 + NUMBER) % 100 FROM n;
UPDATE item SET price = price * 1.01, note = 'WORD ' || NUMBER WHERE id % 11 = NUMBER % 11;
SAVEPOINT inner_one;
DELETE FROM sale WHERE amount BETWEEN 10 AND 12;
ROLLBACK TO inner_one;
COMMIT;
SELECT kind, count(*), total(price), group_concat(name, '; ') FROM item GROUP BY kind HAVING count(*) > 3
  ORDER BY 2 DESC, 1;
SELECT a.name, b.name, max(a.price, b.price) FROM item AS a LEFT JOIN item AS b ON a.kind = b.kind AND a.id = b.id + 7
  WHERE a.name LIKE '%' || (NUMBER % 10) || ' of%' ORDER BY a.price LIMIT 9;
SELECT * FROM priced WHERE total > (SELECT avg(total) FROM priced) ORDER BY total DESC LIMIT 5;
SELECT name, row_number() OVER (PARTITION BY kind ORDER BY price), sum(price) OVER (ORDER BY id ROWS 3 PRECEDING)
  FROM item WHERE id < 60 ORDER BY 2, 1 LIMIT 8;
SELECT CASE kind WHEN 1 THEN upper(name) WHEN 2 THEN substr(name, 2, 5) ELSE replace(name, 'item', 'WORD') END AS label,
  round(price, 2), hex(name), coalesce(nullif(note, 'none'), 'empty') FROM item WHERE kind IN (1, 2, 3) AND id IN
  (SELECT item FROM sale WHERE amount > 50 UNION SELECT item FROM sale WHERE amount < 5 EXCEPT SELECT 3)
  ORDER BY 1 LIMIT 7;
SELECT json_extract(j.value, '$.b'), json_group_array(i.name) FROM item AS i,
  json_each('[{"a": 1, "b": "WORD"}, {"a": 2, "b": "x"}, {"a": NUMBER, "b": null}]') AS j WHERE i.id < 12
  GROUP BY 1;
CREATE TEMP TABLE scratch_WORD AS SELECT id, name, price FROM item WHERE kind = NUMBER % 7;
CREATE INDEX temp.scratch_by_name ON scratch_WORD(name DESC, price);
INSERT INTO scratch_WORD VALUES (1001, 'WORD', 1.5), (1002, 'more', NULL), (1003, x'00ff', zeroblob(40))
  ON CONFLICT DO NOTHING;
SELECT name, count(DISTINCT price), min(name), length(group_concat(price)) FROM scratch_WORD GROUP BY name
  ORDER BY name COLLATE NOCASE LIMIT 4;
DROP TABLE scratch_WORD;
DELETE FROM sale;
EXPLAIN QUERY PLAN SELECT * FROM item, sale WHERE sale.item = item.id AND item.name > 'WORD';
PRAGMA table_info(item);
SELECT strftime('%Y-%m-%d', 1700000000 + NUMBER * 86400, 'unixepoch'),
  printf('%08.3f %s %x', NUMBER / 7.0, 'WORD', NUMBER),
  quote('it''s WORD'), trim('  WORD '), instr('a WORD b', 'WORD'), abs(-NUMBER), typeof(NUMBER * 1.0);
"""


def sqlite3(folder: Path, rounds: int = 200) -> Workload:
    """Without its pools of small blocks (lookaside), which hide from malloc what is allocated."""
    script = folder / "rounds.sql"
    parts = [_SQL_START]
    for number in range(1, rounds + 1):
        parts.append(_SQL_ROUND.replace("NUMBER", str(number)).replace("WORD", _WORDS[number * 7 % len(_WORDS)]))
    script.write_text("".join(parts))
    return Workload("sqlite3", ["sqlite3", "-lookaside", "0", "0", ":memory:", f".read {script}"])


def python3(folder: Path, rounds: int = 100) -> Workload:
    """PYTHONMALLOC: else pymalloc's arenas are all that malloc sees."""
    return Workload("python3", ["/usr/bin/python3", PROGRAMS / "rounds.py", rounds],
                    {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"})


_SCHEMA = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <xs:simpleType name="word"><xs:restriction base="xs:string"><xs:pattern value="[a-z]+( [a-z0-9]+)*"/></xs:restriction>
 </xs:simpleType>
 <xs:complexType name="row"><xs:sequence>
  <xs:element name="name" type="word"/><xs:element name="price" type="xs:decimal"/>
  <xs:element name="day" type="xs:date" minOccurs="0"/>
  <xs:element name="part" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:simpleContent>
   <xs:extension base="xs:string"><xs:attribute name="of" type="xs:NMTOKENS"/></xs:extension>
  </xs:simpleContent></xs:complexType></xs:element>
 </xs:sequence><xs:attribute name="id" type="xs:ID" use="required"/><xs:attribute name="next" type="xs:IDREF"/>
 </xs:complexType>
 <xs:element name="rows"><xs:complexType><xs:sequence><xs:element name="row" type="row" maxOccurs="unbounded"/>
 </xs:sequence><xs:attribute name="kind"/></xs:complexType>
  <xs:unique name="names"><xs:selector xpath="row"/><xs:field xpath="@id"/></xs:unique>
  <xs:keyref name="nexts" refer="ids"><xs:selector xpath="row"/><xs:field xpath="@next"/></xs:keyref>
  <xs:key name="ids"><xs:selector xpath="row"/><xs:field xpath="@id"/></xs:key>
 </xs:element>
</xs:schema>
"""

_DTD = """\
<!DOCTYPE rows [
<!ELEMENT rows (row+)> <!ATTLIST rows kind CDATA "plain">
<!ELEMENT row (name, price, day?, part*)> <!ATTLIST row id ID #REQUIRED next IDREF #IMPLIED>
<!ELEMENT name (#PCDATA)> <!ELEMENT price (#PCDATA)> <!ELEMENT day (#PCDATA)>
<!ELEMENT part (#PCDATA)> <!ATTLIST part of NMTOKENS #IMPLIED>
<!ENTITY long "a text that is put in for an entity"> <!ENTITY both "&long; twice">
<!NOTATION picture PUBLIC "picture">
]>
"""


def xmllint(folder: Path, files: int = 120, rows: int = 60) -> Workload:
    """Each document is parsed, validated by its DTD and by a schema, and forgotten."""
    schema = folder / "rows.xsd"
    schema.write_text(_SCHEMA)
    choose = random.Random(5)
    paths = []
    for number in range(files):
        body = []
        for row in range(rows):
            word = choose.choice(_WORDS)
            parts = "".join(f'<part of="{choose.choice(_WORDS)} x{part}">&long; {part} &#233;</part>'
                            for part in range(choose.randrange(4)))
            after = f' next="r{row - 1}"' if row % 3 == 1 else ""
            body.append(f'<row id="r{row}"{after}><name>{word} {row}</name><price>{row * 0.25}</price>'
                        f"<day>2024-01-{row % 28 + 1:02}</day>{parts}</row>\n<!-- {word} -->"
                        f"<?note {word} {row}?>")
        paths.append(folder / f"document{number}.xml")
        paths[-1].write_text(f'<?xml version="1.0"?>\n{_DTD}<rows>{"".join(body)}</rows>\n')
    return Workload("xmllint", ["xmllint", "--noout", "--noent", "--valid", "--schema", schema, *paths])


ALL = [sqlite3, python3, xmllint]
