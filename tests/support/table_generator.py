"""Generated tables as people and programs write them, with the households that their authors meant."""

import random
from dataclasses import dataclass, field

from tests.support.grammar import FILE_SPELLINGS

REQUIRED = ["married", "children", "salary"]
AMOUNTS = ("salary", "spouse_salary")
FOREIGN = {"id": "matricule", "married": "situation", "children": "nb enfants", "salary": "2024", "year": "an"}
FOREIGN |= {"single_parent": "seul ?", "spouse_salary": "revenu 2"}
BLANKS = [" ", "\u00a0", "\u202f", "\u3000", "  "]
NOISE = ["#N/A", "#REF!", "#VALEUR!", "#DIV/0!", "x", "-1", "1e5", "1.5", "50 000", "50\u202f000", "50.000", "007", "?"]
TITLES = ["Export 2024", "Foyers fiscaux{0}{0}{0}", "Année 2024{0}brouillon", "a{0}b{0}c{0}d", "Total{0}{0}3"]
COMMENTS = ["# made by hand", "#", " # nobody", "# one{0} two", "#note: 3"]
LATE_COMMENTS = ["# {id}{0}yes{0}2{0}50000{0}1", "#N/A{0}yes{0}2{0}50000{0}17", "# salary{0}married{0}children"]
EMPTY = ["", "  ", "{0}{0}{0}", " {0}\u00a0{0}", '""{0}""{0}""']
KINDS = ["household", "bad", "header", "title", "comment", "blank"]  # what the author of a line meant
Values = dict[str, int | str]


@dataclass
class Table:
    """The content of a table. Each line has one of KINDS. `meant` maps ids to the households of the author.

    `is_clean` is true if every household is written in a documented form, below a usable header or in default order.
    """

    content: bytes = b""
    kinds: list[str] = field(default_factory=list)
    meant: dict[int, Values] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)  # the line of each id
    is_clean: bool = True


class TableGenerator:
    """Generates tables from a seed. Without ids, it writes for each table a second one that has no column `id`."""

    def __init__(self, seed: int, *, may_omit_header: bool = True, first_id: int = 1) -> None:
        self._chance, self._may_omit_header = random.Random(seed), may_omit_header
        self._next_id = first_id
        self.table = Table()
        self._with_id: list[str] = []
        self._without_id: list[str] = []
        self._separator = self._chance.choice([",", ",", ";", "\t"])
        self._troubles = 0 if self._often(30) else self._chance.choice([3, 12])  # percent of lines with a trouble

    def _often(self, percent: float) -> bool:
        return self._chance.random() * 100 < percent

    def _add(self, kind: str, text: str, without_id: str | None = None) -> None:
        """Add a line to the table, and to the table without ids."""
        self.table.kinds.append(kind)
        self._with_id.append(text)
        self._without_id.append(text if without_id is None else without_id)

    def _add_any(self, kind: str, texts: list[str]) -> None:
        text = self._chance.choice(texts)
        more = self._separator + "id" if text.count("{0}") > 1 and "#" in text else ""
        written = text.format(self._separator, id=self._next_id)
        self._add(kind, written + more, written)

    def generate(self) -> tuple[Table, bytes]:
        """Return a table, and the content of the same table without ids."""
        if self._often(8):
            self._add("header", self._chance.choice(["sep={0}", '"sep={0}"', "SEP={0}"]).format(self._separator))
        for _ in range(self._chance.choice([0, 0, 1, 2])):
            self._add_any(*self._chance.choice([("comment", COMMENTS), ("blank", EMPTY)]))
        if self._often(self._troubles):
            self.table.is_clean = False
            self._add_any("title", TITLES)
        if self._often(self._troubles / 2):
            self.table.is_clean = False
            self._add_any("bad", LATE_COMMENTS)
        for number in range(self._chance.choice([1, 1, 1, 2, 3])):
            self._add_section(is_first=not number)
        end = self._chance.choice(["\n", "\n", "\r\n"])
        if self._often(self._troubles / 2):
            end, self.table.is_clean = "\r", False
        encoding = self._chance.choice(["utf-8", "utf-8", "utf-8-sig"])
        if self._often(self._troubles / 2):
            encoding, self.table.is_clean = self._chance.choice(["utf-16", "utf-16-le", "cp1252"]), False
        last = end if self._often(70) and self._with_id[-1] else ""
        contents = [(end.join(lines) + last).encode(encoding, "replace") for lines in (self._with_id, self._without_id)]
        self.table.content = contents[0]
        return self.table, contents[1]

    def _add_section(self, *, is_first: bool) -> None:
        """Add a header and some households."""
        names = ["id", *REQUIRED]
        if is_first and self._may_omit_header and self._often(15):
            has_index, cut = False, 0
        else:
            names += [name for name in ("year", "single_parent", "spouse_salary") if self._often(40)]
            self._chance.shuffle(names)
            has_index, cut = self._often(8), self._chance.choice([0, 0, 0, 1, 3])
            if not is_first and self._often(20):
                self._separator = self._chance.choice([",", ";", "\t"])
            self._add_header(names, has_index, cut)
        for _ in range(self._chance.randint(1, 8)):
            if self._often(6):
                self._add_any(*self._chance.choice([("comment", COMMENTS[:2]), ("blank", EMPTY)]))
            if self._often(self._troubles):
                self.table.is_clean = False
                self._add_any(
                    "bad", LATE_COMMENTS if self._often(50) else ["Total", "fin", "x{0}y{0}1", "#N/A{0}{0}{0}z{0}"]
                )
            self._add_household(names, has_index, cut)

    def _add_header(self, names: list[str], has_index: bool, cut: int) -> None:
        """Add a header that names these columns, or a header that cannot be used."""
        spelled = {name: self._chance.choice(FILE_SPELLINGS[name]) for name in names}
        if self._often(20):
            spelled = {name: text.upper() for name, text in spelled.items()}
        before, after = [""] * has_index, [""] * cut
        if self._often(self._troubles):
            self.table.is_clean = False
            how = self._chance.choice(["foreign", "number", "one", "comment"])
            if how == "foreign":
                spelled = {name: FOREIGN[name] for name in names}
            elif how == "number":
                after = ["2024"]
            elif how == "one":
                spelled[self._chance.choice([one for one in names if one != "id"])] = "autre"
            else:
                self._add("bad", *("# " + self._join(spelled, names, before, after, ids) for ids in (True, False)))
                return
        cells = {name: f'"{text}"' if self._often(10) else self._pad(text, name) for name, text in spelled.items()}
        self._add("header", *(self._join(cells, names, before, after, ids) for ids in (True, False)))

    def _join(self, cells: dict[str, str], names: list[str], before: list[str], after: list[str], with_id: bool) -> str:
        return self._separator.join([*before, *(cells[name] for name in names if name != "id" or with_id), *after])

    def _pad(self, text: str, name: str) -> str:
        """Add blanks around a cell, but not around an id, so that the table without ids has the same encoding."""
        pads = [one for one in BLANKS if name != "id" and self._often(4)]
        return "".join(pads[:1]) + text + "".join(pads[1:])

    def _add_household(self, names: list[str], has_index: bool, cut: int) -> None:
        """Add a household in one of many spellings, with or without a trouble."""
        values = self._choose_values(names)
        identifier = int(values["id"])
        cells = {name: self._write(name, values[name]) if name in values else self._write_missing() for name in names}
        before, after = ["3"] * has_index, [""] * (cut or self._chance.choice([0, 0, 0, 2]))
        if self._often(self._troubles):
            self.table.is_clean = False
            if self._spoil(cells, names, values) == "cut":
                names = names[:-1] if names[-1] != "id" else names[1:]
                after = []
        self.table.meant[identifier] = values
        texts = [self._join(cells, names, before, after, ids) for ids in (True, False)]
        self._add("household", *texts)
        self.table.lines[identifier] = len(self.table.kinds)
        if "\n" in texts[0]:  # a cell that continues on the next line is not meant as a household of two lines
            self.table.kinds.append("bad")

    def _choose_values(self, names: list[str]) -> Values:
        """Choose the values of a valid household. Optional values can be missing."""
        values: Values = {"id": self._next_id, "married": "yes" if self._often(50) else "no"}
        self._next_id += self._chance.choice([1, 1, 1, 7])
        values["children"], values["salary"] = self._chance.randint(0, 12), self._choose_amount()
        if "year" in names and self._often(70):
            values["year"] = self._chance.randint(2018, 2025)
        if "single_parent" in names and self._often(40):
            values["single_parent"] = "no"
        if "spouse_salary" in names and self._often(50):
            values["spouse_salary"] = self._choose_amount()
        return values

    def _choose_amount(self) -> int:
        """Choose an amount. Amounts below 1,000 are omitted, because they can look like parts of numbers."""
        return self._chance.choice([0, self._chance.randint(1000, 250_000), self._chance.randint(1000, 999_999_999)])

    def _write(self, name: str, value: int | str) -> str:
        """Write a value in a documented form."""
        text = str(value)
        if value in ("yes", "no"):
            text = self._chance.choice([text, text.upper(), {"yes": "Oui", "no": "non"}[text]])
        elif self._often(6):
            text += ".0"
        elif name == "id" and self._often(5):
            text = "00" + text
        return f'"{text}"' + self._chance.choice(["", " "]) if self._often(6) else self._pad(text, name)

    def _write_missing(self) -> str:
        return self._chance.choice(["", "", "", "NaN", "nan", " ", '""'])

    def _spoil(self, cells: dict[str, str], names: list[str], values: Values) -> str:
        """Write one cell in a form that is not documented. The values stay those that the author meant."""
        name = self._chance.choice([one for one in names if one != "id"])
        how = self._chance.choice(["noise", "group", "group", "quote", "two lines", "cut", "control"])
        if how == "group":
            name = self._chance.choice([one for one in names if one in AMOUNTS])
            amount = self._chance.choice([1000, 50_000, 50_250, 1_250_000, 12_345])
            values[name], cells[name] = amount, f"{amount:,}" + self._chance.choice(["", ".0"])
        elif how == "noise":
            cells[name] = self._chance.choice(NOISE)
        elif how == "quote":
            cells[name] = self._chance.choice(['"{}', '{}"', '"{}"x', '"{}""']).format(cells[name].strip('" '))
        elif how == "two lines":
            cells[name] = '"' + cells[name].strip('" ') + '\n"'
        elif how == "control":
            cells[name] += self._chance.choice(["\x01", "\x1b", "\x7f"])
        return how
