"""Notes on a result, in French and English."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a credit that the calculation does not include."""

    code: str
    fr: str
    en: str


CIMR = Note(
    "CIMR",
    "2018 fut « l'année blanche » : un crédit d'impôt (CIMR) a annulé l'impôt sur les salaires ordinaires de 2018 ;"
    " les montants ne tiennent pas compte de ce crédit.",
    '2018 was the "année blanche": a tax credit (CIMR) cancelled the tax on ordinary salaries of 2018; this'
    " credit is not deducted from the amounts.",
)
