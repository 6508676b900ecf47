"""The formulas of the tax law for the income years 2018 to 2025, for households whose only income is salaries.

Each name in a formula is an input, the result of an earlier step, a parameter of the year's schedule, or a function.
"""

from collections.abc import Collection
from dataclasses import dataclass

# The inputs of a household. `married` and `single_parent` are booleans, and the other inputs are integers.
INPUTS = ("married", "single_parent", "children", "salary", "spouse_salary")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the calculation, with its name, formula, labels and unit.

    An explanation cites the legal articles of the parameters that determined the result. If the formula has no
    such parameter, the explanation cites the legal articles of the parameters in `follows`.
    """

    name: str
    formula: str
    fr: str
    en: str
    unit: str = "EUR"
    follows: tuple[str, ...] = ()
    shown: bool = True  # True if explanations include the step


BEGINNING = (
    Step(
        "deduction",
        "min(max(arr(deduction_rate × salary), deduction_min), deduction_max, salary)",
        "déduction pour frais professionnels",
        "deduction for professional expenses",
    ),
    Step(
        "spouse_deduction",
        "min(max(arr(deduction_rate × spouse_salary), deduction_min), deduction_max, spouse_salary)",
        "déduction du conjoint",
        "deduction of the spouse",
    ),
    Step(
        "taxable_income",
        "salary - deduction + spouse_salary - spouse_deduction",
        "revenu imposable",
        "taxable income",
        follows=("deduction_rate",),
    ),
    Step(
        "adults",
        "1 + share_spouse if married else 1",
        "parts des adultes",
        "shares of the adults",
        "share",
        follows=("share_spouse",),
    ),
    Step(
        "shares",
        "adults + share_child_1 × min(children, 1) + share_child_2 × min(max(children - 1, 0), 1)"
        " + share_child_3_plus × max(children - 2, 0) + (share_single_parent if single_parent else 0)",
        "parts du quotient familial",
        "shares of the family quotient",
        "share",
    ),
    Step(
        "extra_half_shares",
        "2 × (shares - adults)",
        "demi-parts supplémentaires",
        "extra half-shares",
        "half-share",
        follows=("share_child_1",),
    ),
    Step(
        "tax_all_shares",
        "arr(shares × scale(taxable_income / shares))",
        "impôt avec toutes les parts",
        "tax with all shares",
    ),
    Step(
        "tax_adult_shares",
        "arr(adults × scale(taxable_income / adults))",
        "impôt avec les seules parts des adultes",
        "tax with only the adults' shares",
    ),
    Step(
        "cap",
        "cap_single_parent_first_child + cap_half_share × (extra_half_shares - 2) if single_parent"
        " else cap_half_share × extra_half_shares",
        "plafond de l'avantage des demi-parts",
        "cap on the saving from the extra half-shares",
    ),
    Step(
        "capped_tax",
        "max(tax_all_shares, tax_adult_shares - cap, 0)",
        "impôt après plafonnement du quotient familial",
        "tax after the cap of the family quotient",
        follows=("cap_half_share",),
    ),
    Step(
        "surcharge",
        "capped_tax - tax_all_shares",
        "supplément dû au plafonnement",
        "surcharge due to the cap",
        follows=("cap_half_share",),
    ),
    Step(
        "discount",
        "min(capped_tax, max(0, arr((decote_couple if married else decote_single) - decote_rate × capped_tax)))",
        "décote",
        "discount on small amounts",
    ),
)

REDUCTION = (
    Step(
        "reduction_full_limit",
        "reduction_full_limit_per_adult × adults + reduction_per_half_share × extra_half_shares",
        "réduction entière en dessous de",
        "full reduction below",
    ),
    Step(
        "reduction_end_limit",
        "reduction_end_limit_per_adult × adults + reduction_per_half_share × extra_half_shares",
        "plus de réduction à partir de",
        "no reduction from",
    ),
    Step(
        "reduction",
        "arr(reduction_rate × (capped_tax - discount)) if taxable_income < reduction_full_limit else"
        " arr(reduction_rate × (capped_tax - discount) × (reduction_end_limit - taxable_income)"
        " / (reduction_end_limit - reduction_full_limit)) if taxable_income < reduction_end_limit else 0",
        "réduction sous condition de revenus",
        "reduction for modest incomes",
        follows=("reduction_rate",),
    ),
)

NO_REDUCTION = (Step("reduction", "0", "réduction", "reduction", shown=False),)

END = (
    Step(
        "tax",
        "max(capped_tax - discount - reduction, 0)",
        "impôt",
        "tax",
        follows=("scale", "cap_half_share", "decote_rate"),
    ),
    Step(
        "rate",
        "rate_of(scale(taxable_income / (shares if capped_tax == tax_all_shares else adults)))",
        "taux de la dernière tranche atteinte",
        "rate of the last bracket reached",
        "1",
    ),
    Step(
        "cehr",
        "arr(cehr_couple(taxable_income) if married else cehr_single(taxable_income))",
        "contribution exceptionnelle sur les hauts revenus",
        "surtax on high incomes",
    ),
    Step(
        "collected",
        "0 if tax + cehr < collection_min_before_credits else tax + cehr",
        "montant mis en recouvrement",
        "amount collected",
    ),
)


def select_steps(parameters: Collection[str]) -> tuple[Step, ...]:
    """Return the steps for a schedule with these parameters. Income years after 2019 have no reduction."""
    return BEGINNING + (REDUCTION if "reduction_rate" in parameters else NO_REDUCTION) + END
