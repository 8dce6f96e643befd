"""Money: an amount in minor units with its currency, and how it is written and shared out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache, total_ordering

from babel.numbers import format_currency, get_currency_precision


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies were put together."""


LARGEST = 18
"""Digits before the point; what a column holds, and more than anybody pays."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money.

    Attributes:
        minor: The amount in the currency's minor unit: pence, cents, yen, fils.
        currency: ISO 4217 code in capitals.
    """

    minor: int
    currency: str

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> Money:
        """Read an amount in major units, as ONIX and reports write it; refuses a fraction of a minor unit."""
        if not amount.is_finite() or amount.adjusted() > LARGEST:
            raise ValueError(f"{amount} {currency} is no amount of money")
        with localcontext(prec=max(28, len(amount.as_tuple().digits))):
            minor = amount.scaleb(get_currency_precision(currency))
        if minor != minor.to_integral_value():
            raise ValueError(f"{amount} {currency} is finer than the currency's smallest coin")
        return cls(int(minor), currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, with exactly the currency's number of decimals."""
        return Decimal(self.minor).scaleb(-get_currency_precision(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return written(self.minor, self.currency)

    def split(self, weights: list[int]) -> list[Money]:
        """Share the amount in proportion to the weights; the parts always sum to the whole.

        The largest remainders get the odd minor units, the earlier part first when equal.
        """
        whole = sum(weights)
        if whole <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must not be negative and must not all be zero")
        parts = [self.minor * weight // whole for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda i: -(self.minor * weights[i] % whole))
        for i in by_remainder[: self.minor - sum(parts)]:
            parts[i] += 1
        return [Money(part, self.currency) for part in parts]

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency} cannot be put together")
        return other


@lru_cache(maxsize=4096)
def written(minor: int, currency: str) -> str:
    """The amount as readers see it, in British English: £38.00, CA$12.50, JP¥400."""
    return format_currency(Money(minor, currency).decimal, currency, locale="en_GB")
