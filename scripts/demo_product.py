"""Writes config/demo/product.json: the 21 names from the data's own description, and `subject`.

Run as `python -m scripts.demo_product`; a test holds the committed file to it.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent.parent / "config" / "demo"
KINDS: Final = (
    *("AccountBalance", "LoanTerms", "CreditHistory", "LoanTerms", "LoanTerms"),
    *("AccountBalance", "Employment", "LoanTerms", "Demographics", "DebtObligations"),
    *("Housing", "Property", "Demographics", "DebtObligations", "Housing"),
    *("CreditHistory", "Employment", "Household", "ContactDetails", "ResidencyStatus"),
    *("CreditScore", "SubjectReference"),
)


def names_of(description: str) -> list[str]:
    """Return a name for each attribute, from the line after its heading, then `class`."""
    # The description itself misspells the heading of attribute 6.
    headings = re.finditer(r"^Att(?:r)?ibute\s+\d+:.*\n\s*(.+?)\s*$", description, re.MULTILINE)
    names = [re.sub(r"[^a-z0-9]+", "_", found[1].lower()).strip("_") for found in headings]
    return [*names, "class", "subject"]


def product() -> dict[str, Any]:
    """Return the manifest."""
    names = names_of((FOLDER / "german_credit.names").read_text(encoding="utf-8"))
    fields = [
        {"name": name, "kind": kind, "level": 3, "class": 2}
        for name, kind in zip(names, KINDS, strict=True)
    ]
    return {
        "name": "German credit records",
        "zone": "finance",
        "modes": ["fields", "query"],
        "right": "operating",
        "price": {"class": "free", "plan": ""},
        "acceptance_days": 10,
        "date": "",
        "template": "template.md",
        "evidence": "SOURCE.md",
        "quality": "quality.md",
        "fields": fields,
    }


def main() -> None:
    """Write the manifest."""
    text = json.dumps(product(), indent=2, ensure_ascii=False) + "\n"
    (FOLDER / "product.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
