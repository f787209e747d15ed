"""What the shop sells, and what a cart of it costs; amounts are in cents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PRICES = {"canary": 2450, "cage": 8900, "lamp": 4200, "seed": 350}
MOST_OF_ONE = 100


class Refused(ValueError):
    """The customer asked for what cannot be sold; the text may be shown to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A priced cart."""

    items: Mapping[str, int]
    total: int
    currency: str

    def as_dict(self) -> dict[str, object]:
        return {"items": dict(self.items), "total": self.total, "currency": self.currency}


def priced(items: object, *, currency: str, discount_percent: int) -> Cart:
    """The cart with its total; raises Refused for unknown goods and odd amounts."""
    if not isinstance(items, dict) or not items:
        raise Refused("an order needs items: {name: amount}")
    for name, amount in items.items():
        if name not in PRICES:
            raise Refused(f"{name!r} is not sold here")
        if not isinstance(amount, int) or not 0 < amount <= MOST_OF_ONE:
            raise Refused(f"{name}: the amount must be from 1 to {MOST_OF_ONE}")
    full = sum(PRICES[name] * amount for name, amount in items.items())
    total = full * (100 - discount_percent) // 100
    return Cart(items=items, total=total, currency=currency)
