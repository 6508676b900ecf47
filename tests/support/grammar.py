"""A grammar that generates test inputs from bytes. Hypothesis draws and shrinks the bytes.

One hypothesis example yields dozens of inputs at the cost of one draw.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

T = TypeVar("T")

SPELLINGS = {
    "id": ["id"],
    "married": ["married", "marié", "marie", "marie\u0301"],
    "children": ["children", "enfants"],
    "salary": ["salary", "salaire"],
    "year": ["year", "année", "annee", "anne\u0301e"],
    "single_parent": ["single_parent", "parent_isolé", "parent_isole", "parent_isole\u0301"],
    "spouse_salary": ["spouse_salary", "salaire_conjoint"],
    "explain": ["explain", "explication"],
    "from": ["from", "de"],
    "to": ["to", "à", "a", "a\u0300"],
    "step": ["step", "pas"],
}
ANY_NAME = [spelling for name, spellings in SPELLINGS.items() if name != "id" for spelling in spellings]
REQUIRED = ["married", "children", "salary"]
OPTIONAL = ["single_parent", "spouse_salary", "explain"]  # a household without a year must not have these parameters
MAY_BE_EMPTY = ["year", *OPTIONAL]
# A taxpayers file has only spellings with composed characters.
FILE_SPELLINGS = {name: [one for one in all_of if one.isascii() or "é" in one] for name, all_of in SPELLINGS.items()}
LIMITS = {"children": 99, "salary": 999_999_999, "spouse_salary": 999_999_999, "from": 9999, "to": 99_999, "step": 9999}
IDS = [9, 99, 10**18 - 1]  # upper limits of ids
WORDS = ["yes", "no", "oui", "non"]
CAPITALS = [0, 0, 0, 0, 0, 1, 2, 7]  # bit masks that select the letters to capitalize
PADDINGS = [("", "")] * 8 + [(" ", ""), ("", " "), ("\t", " "), (" \t", "\t ")]
UNRESERVED = "/:@!$'()*,;"  # characters that need no percent-encoding in a query string
ZEROS = ["", "", "", "", "", "", "", "", "", "0", "000", "0" * 30]
ODD = ["", " ", "\t", "-1", "+1", "1.5", "1e3", "0x1", "1_0", "٣", "²", "\0", "\n", "é", "\ufffd", "𝟙", "maybe", "a b"]

# Values that are invalid for most parameters of a household, followed by unusual bodies in JSON and CSV.
ODD_VALUES: list[Any] = [None, True, False, 1.0, 1.5, -1, -0.0, 1e300, 2**53, 2**63, 2**64, 10**25, "5", "Oui", " yes "]
ODD_VALUES += ["", "2024", [], {}, [1], {"a": [{}]}, "\x00", "\ud800", "é", "a:b", '":', "1000000000"]
ODD_JSON = [b"", b" ", b"null", b"[]", b"{}", b"[[]]", b"[null]", b"1", b'"x"', b"[" * 5000, b'{"a":' * 3000, b"\xff"]
ODD_JSON += [b'{"salary":' + b"9" * 400 + b"}", b'[{"salary":NaN}]', b'"\\ud800"', b"\xef\xbb\xbf{}", b"-", b"[1,]"]
ODD_JSON += [b'[{"married":"yes","married":"no","children":1,"salary":5},{}]', b'{"a":{"b":1,"b":2}}']
ODD_CSV = [b"", b"\n", b"\xef\xbb\xbf", b"married", b"\x00", b'"', b"\r", b"married,children,salary", b";\n,", b"\xff"]
TYPES = [b"text/plain", b"", b"application/json; charset=latin-1", b'TEXT/CSV; charset="utf-8"', b"x/y", b"\xff"]
TYPES += [b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded", b"application/json;;=", b"text/csv"]

METHODS = ["GET", "HEAD", "POST", "PUT", "get", "TRACE", "CONNECT", "X" * 30, "", "\x01"]
TARGETS = ["/?", "/?", "/?", "/?", "/curve?", "/curve?", "/schedules", "/schedules/2024", "/schedules/v7"]
WILD_TARGETS = [*TARGETS, "/", "/schedules/", "/schedules/2017?", "/schedules/%C3%A9%00", "/schedules/v7/..", "/curve/"]
WILD_TARGETS += ["/curve", "/nothing?", "/health/live?", "/%", "//", "*", "http://x/?", ""]
VERSIONS = ["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP/", ""]
HEADERS = ["X-Request-ID", "X-Forwarded-For", "Accept", "Cookie", "Transfer-Encoding", "Expect", "Content-Length"]
HEADERS += ["Content-Type", "Range", "Upgrade", "If-None-Match", "SCRIPT_NAME", "PATH_INFO", "Authorization", "Host"]
HEADERS += ["Content-Encoding"]
VALUES = [b"Basic !", b"Basic eDp5", b"x", b"", b"\xff\xfe", b"chunked", b"gzip, chunked", b"100-continue", b"-1", b"*"]
VALUES += [b"9" * 400, b"a\x01b", b'"', b"multipart/form-data; boundary=", b"1, 2", b"x" * 7000, b"text/csv", b"*/*;q="]


class Grammar:
    """A generator whose choices consume bytes. When no bytes are left, the generator always makes the first choice."""

    def __init__(self, entropy: bytes) -> None:
        self._bytes = iter(entropy)

    def below(self, limit: int) -> int:
        """Return a number from 0 to limit - 1."""
        number, span = next(self._bytes, 0), 256
        while span < limit:
            number, span = number * 256 + next(self._bytes, 0), span * 256
        return number % limit

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.below(len(choices))]

    def often(self, percent: int) -> bool:
        """Return True with a probability of about `percent` %. When no bytes are left, return False."""
        return next(self._bytes, 255) * 100 < percent * 256

    def rotated(self, items: Sequence[T]) -> list[T]:
        """Return the items rotated by a random number."""
        first = self.below(len(items))
        return [*items[first:], *items[:first]]

    def anycase(self, word: str) -> str:
        """Return the word with some letters capitalized."""
        capitals = self.one_of(CAPITALS)
        return "".join(letter.upper() if capitals >> place & 1 else letter for place, letter in enumerate(word))

    def padded(self, text: str) -> str:
        """Return the text, sometimes padded with blanks."""
        return text.join(self.one_of(PADDINGS))

    def whole(self, limit: int) -> int:
        """Return a number from 0 to the limit, or rarely a number just above the limit."""
        kind = self.below(12)
        if kind < 6:
            return self.below(limit + 1)
        return self.below(100) if kind < 9 else [limit, 0, limit + 1 + self.below(9)][kind - 9]

    def number(self, limit: int) -> str:
        """Let `whole` generate a number. Return the number as text, sometimes with leading zeros."""
        return self.one_of(ZEROS) + str(self.whole(limit))

    def year(self) -> int:
        """Return a supported income year, or rarely an unsupported year."""
        return 2018 + self.below(8) if not self.often(6) else self.one_of([2017, 2026, 0, 9999, 10_000, 20_240])

    def noise(self) -> str:
        """Return a text that is rarely a valid value."""
        if self.often(60):
            return self.one_of(ODD)
        return "".join(chr(self.below(0x250)) for _ in range(self.below(12)))

    def text(self, name: str) -> str:
        """Return a value of a parameter as text."""
        if name == "id":
            return self.number(self.one_of(IDS))
        if name == "year":
            return self.one_of(ZEROS) + str(self.year())
        return self.number(LIMITS[name]) if name in LIMITS else self.anycase(self.one_of(WORDS))

    def value(self, name: str) -> Any:
        """Return a value of a parameter in its JSON type."""
        if name == "id":
            return self.whole(self.one_of(IDS))
        if name == "year":
            return self.year()
        return self.whole(LIMITS[name]) if name in LIMITS else self.one_of(WORDS)

    def household(self, required: Sequence[str] = REQUIRED) -> list[str]:
        """Return a household's parameter names. In a household without a year, names that require a year are rare."""
        dated = self.often(60)
        more = [name for name in OPTIONAL if self.often(40 if dated else 3)]
        return [*required, *(["year"] if dated else []), *more]

    def pair(self, name: str, value: str) -> str:
        """Join a name and its value in one of several percent-encodings."""
        how = self.below(12)
        if how < 2:
            return "=".join("".join(f"%{byte:02{'xX'[how]}}" for byte in text.encode()) for text in (name, value))
        if how == 2:
            return quote_plus(name, safe="") + "=" + quote_plus(value, safe="")
        return quote(name, safe=UNRESERVED) + "=" + quote(value, safe=UNRESERVED)

    def query(self) -> str:
        """Return a query string of a household, sometimes with a missing, extra or invalid parameter."""
        return self.query_of(self.household())

    def curve(self) -> str:
        """Return a query string for `/curve`, sometimes invalid."""
        names = self.household(["married", "children", "from", "to", "step"])
        return self.query_of([name for name in names if name != "explain" or self.often(5)])

    def query_of(self, names: Sequence[str]) -> str:
        """Return a query string of these parameters, sometimes with a missing, extra or invalid parameter."""
        pairs = [(self.one_of(SPELLINGS[name]), self.padded(self.text(name))) for name in names]
        if self.often(18):
            pairs[self.below(len(pairs))] = (self.one_of(ANY_NAME), self.noise())
        if self.often(10):
            pairs.append((self.one_of([*ANY_NAME, self.noise()]), self.noise()))
        if self.often(8):
            del pairs[self.below(len(pairs))]
        parts = [self.pair(name, value) for name, value in self.rotated(pairs)]
        if self.often(8):
            parts.insert(self.below(3), self.one_of(["", "=", "x", "%", "%zz=%F", "%C3=%A9", "a=b=c", "\xff\xe9=\x80"]))
        return "&".join(parts)

    def object(self, names: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return a JSON object with these names. Sometimes a name is missing, or a name or value is invalid."""
        one = {self.one_of(spellings[name]): self.value(name) for name in self.rotated(names)}
        if self.often(12):
            one[self.one_of([*one, *one, *ANY_NAME, self.noise()])] = self.one_of(ODD_VALUES)
        if self.often(5):
            one.popitem()
        return one

    def json(self) -> bytes:
        """Return a JSON body for `POST /` with one, several or hundreds of households, or with no valid household."""
        kind = self.below(16)
        if kind == 15:
            return self.one_of(ODD_JSON)
        if kind < 6:
            content: Any = self.object(self.household(), SPELLINGS)
        else:
            content = [self.object(self.household(), SPELLINGS) for _ in range(1 + self.below(6))]
            content *= 200 if kind == 14 else 1
        return json.dumps(content, ensure_ascii=self.often(50)).encode("utf-8", "surrogatepass")

    def cell(self, name: str, separator: str, quoted: int) -> str:
        """Return a CSV cell, usually with a valid value. With a probability of `quoted` %, the cell has quotes."""
        if self.often(5):
            cell = self.noise().replace("\n", "")
        elif name in MAY_BE_EMPTY and self.often(40):
            cell = ""
        else:
            cell = self.padded(self.text(name))
        if separator == "\t":
            cell = cell.replace("\t", " ")
        return self.one_of(['"', '"', ' "']) + cell + '"' if quoted and self.often(quoted) else cell

    def row(self, names: Sequence[str], separator: str, quoted: int) -> str:
        """Return a CSV line, occasionally with an extra or a missing cell."""
        cells = [self.cell(name, separator, quoted) for name in names]
        if self.often(4):
            cells.append(self.noise().replace("\n", ""))
        if self.often(4):
            cells.pop()
        return separator.join(cells)

    def columns(self, names: Sequence[str], separator: str, spellings: Mapping[str, Sequence[str]]) -> str:
        """Return a CSV header with these columns, occasionally with a duplicate, missing or unknown column."""
        spelled = [self.one_of(spellings[name]) for name in names]
        if self.often(10):
            # If tabs separate the names, avoid an empty name, because the header must not end with a tab.
            wrong = ["salary", "enfants", "année", "explain", "age", "?" if separator == "\t" else ""]
            spelled[self.below(len(spelled))] = self.one_of(wrong)
        return separator.join(f'"{name}"' if self.often(8) else name for name in spelled)

    def csv(self) -> bytes:
        """Return a CSV body for `POST /`, sometimes invalid."""
        if self.often(6):
            return self.one_of(ODD_CSV)
        names = self.rotated([name for name in self.household() if name != "explain" or self.often(5)])
        separator, end = self.one_of(",;"), self.one_of(["\n", "\r\n"])
        first = self.columns(names, separator, SPELLINGS)
        lines = [first, *(self.row(names, separator, 8) for _ in range(self.below(8)))]
        return (self.one_of(["", "", "\ufeff"]) + end.join(lines)).encode()

    def mangled(self, body: bytes) -> bytes:
        """Return the body with a random change."""
        begin, end = sorted((self.below(len(body) + 1), self.below(len(body) + 1)))
        middle = self.one_of([b"", b"", self.noise().encode(), bytes([self.below(256)]), body[begin:end] * 2])
        return body[:begin] + middle + (body[end:] if self.often(80) else b"")

    def posted(self) -> tuple[list[bytes], bytes]:
        """Return the header lines that describe a body, and the body."""
        kind = self.one_of([b"application/json", b"application/json", b"text/csv"])
        body = self.csv() if kind == b"text/csv" else self.json()
        if self.often(20):
            body = self.mangled(body)
        lines = [b"Content-Type: " + (kind if not self.often(8) else self.one_of(TYPES))]
        if self.often(20):
            lines.append(b"Accept: text/csv")
        if self.often(15):
            half = len(body) // 2
            pieces = [piece for piece in (body[:half], body[half:]) if piece]
            return [*lines, b"Transfer-Encoding: chunked"], b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces)
        return [*lines, b"Content-Length: %d" % len(body)], body

    def target(self, targets: Sequence[str]) -> bytes:
        """Return one of the targets. If the target ends with a question mark, append a query string."""
        target = self.one_of(targets)
        query = (self.curve() if "curve" in target else self.query()) if target.endswith("?") else ""
        return (target + query).encode("utf-8", "replace")

    def request(self, authorization: bytes) -> bytes:
        """Return an HTTP request with `Connection: close`. Some requests are malformed."""
        wild, posting = self.often(50), self.often(35)
        method, target = ("POST", b"/") if posting else ("GET", self.target(WILD_TARGETS if wild else TARGETS))
        described, body = self.posted() if posting else ([], b"")
        if wild and self.often(40):
            method = self.one_of(METHODS)
        if wild and posting and self.often(20):
            target = self.target(WILD_TARGETS)
        version = self.one_of(VERSIONS) if wild else "HTTP/1.1"
        lines = [b"%b %b %b" % (method.encode(), target, version.encode()), b"Host: x", b"Connection: close"]
        if self.often(80):
            lines.append(b"Authorization: Basic " + authorization)
        lines += described + [self.header() for _ in range(self.one_of([0, 1, 3]) if wild else 0)]
        if wild and self.often(10):
            lines.append(bytes(self.below(256) for _ in range(self.below(40))))
        if any(line.startswith(b"Transfer-Encoding") for line in lines):
            # Append the end of a chunked body, which is rarely malformed.
            body += self.one_of([b"0\r\n\r\n"] * 9 + [b"ZZ\r\n\r\n", b"1\r\nxyz0\r\n\r\n", b"0\r\nno trailer\r\n\r\n"])
        end = b"\n" if wild and self.often(10) else b"\r\n"
        return end.join(lines) + b"\r\n\r\n" + body

    def header(self) -> bytes:
        """Return a header line that a server must interpret."""
        return self.one_of(HEADERS).encode() + self.one_of([b": ", b": ", b": ", b":", b" : "]) + self.one_of(VALUES)

    def nothing(self) -> bytes:
        """Return a line of a taxpayers file. The line is empty, a comment, or invalid in every format."""
        return self.one_of([b"", b" \t", b"# 1,yes,2,3", b" #{}", b"\xff\xfe", b"1,yes,2,\xe9", b",,,", b"\x00", b"{"])

    def json_line(self) -> bytes:
        """Return a JSON line, usually a valid taxpayer."""
        names = [name for name in self.household(["id", *REQUIRED]) if name != "explain"]
        one = self.object(names, FILE_SPELLINGS)
        if self.often(20):  # convert numbers to text
            one = {name: str(value) for name, value in one.items()}
        line = json.dumps(one, ensure_ascii=self.often(50)).encode("utf-8", "surrogatepass")
        if self.often(4):
            line = line[:-1] + self.one_of([b', "id": 7}', b', "s\\u0061lary": 6}', b',"salaire":5}', b', "x:": ":"}'])
        return line if not self.often(5) else self.mangled(line).replace(b"\n", b"")

    def json_file(self) -> bytes:
        """Return a taxpayers file in JSON lines, of up to twenty lines."""
        end, mark = self.one_of([b"\n", b"\r\n"]), self.one_of([b"", b"", b"", b"\xef\xbb\xbf"])
        lines = [self.nothing() if self.often(5) else self.json_line() for _ in range(1 + self.below(20))]
        return mark + end.join(lines)
