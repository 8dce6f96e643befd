"""Countries: the codes we know, and what they are called."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from babel import Locale

EUROPEAN_UNION = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
        *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)
"""The member states, since 1 February 2020."""

COUNTRIES = frozenset(
    [
        "AD",
        "AE",
        "AF",
        "AG",
        "AI",
        "AL",
        "AM",
        "AO",
        "AQ",
        "AR",
        "AS",
        "AT",
        "AU",
        "AW",
        "AX",
        "AZ",
        "BA",
        "BB",
        "BD",
        "BE",
        "BF",
        "BG",
        "BH",
        "BI",
        "BJ",
        "BL",
        "BM",
        "BN",
        "BO",
        "BQ",
        "BR",
        "BS",
        "BT",
        "BV",
        "BW",
        "BY",
        "BZ",
        "CA",
        "CC",
        "CD",
        "CF",
        "CG",
        "CH",
        "CI",
        "CK",
        "CL",
        "CM",
        "CN",
        "CO",
        "CR",
        "CU",
        "CV",
        "CW",
        "CX",
        "CY",
        "CZ",
        "DE",
        "DJ",
        "DK",
        "DM",
        "DO",
        "DZ",
        "EC",
        "EE",
        "EG",
        "EH",
        "ER",
        "ES",
        "ET",
        "FI",
        "FJ",
        "FK",
        "FM",
        "FO",
        "FR",
        "GA",
        "GB",
        "GD",
        "GE",
        "GF",
        "GG",
        "GH",
        "GI",
        "GL",
        "GM",
        "GN",
        "GP",
        "GQ",
        "GR",
        "GS",
        "GT",
        "GU",
        "GW",
        "GY",
        "HK",
        "HM",
        "HN",
        "HR",
        "HT",
        "HU",
        "ID",
        "IE",
        "IL",
        "IM",
        "IN",
        "IO",
        "IQ",
        "IR",
        "IS",
        "IT",
        "JE",
        "JM",
        "JO",
        "JP",
        "KE",
        "KG",
        "KH",
        "KI",
        "KM",
        "KN",
        "KP",
        "KR",
        "KW",
        "KY",
        "KZ",
        "LA",
        "LB",
        "LC",
        "LI",
        "LK",
        "LR",
        "LS",
        "LT",
        "LU",
        "LV",
        "LY",
        "MA",
        "MC",
        "MD",
        "ME",
        "MF",
        "MG",
        "MH",
        "MK",
        "ML",
        "MM",
        "MN",
        "MO",
        "MP",
        "MQ",
        "MR",
        "MS",
        "MT",
        "MU",
        "MV",
        "MW",
        "MX",
        "MY",
        "MZ",
        "NA",
        "NC",
        "NE",
        "NF",
        "NG",
        "NI",
        "NL",
        "NO",
        "NP",
        "NR",
        "NU",
        "NZ",
        "OM",
        "PA",
        "PE",
        "PF",
        "PG",
        "PH",
        "PK",
        "PL",
        "PM",
        "PN",
        "PR",
        "PS",
        "PT",
        "PW",
        "PY",
        "QA",
        "RE",
        "RO",
        "RS",
        "RU",
        "RW",
        "SA",
        "SB",
        "SC",
        "SD",
        "SE",
        "SG",
        "SH",
        "SI",
        "SJ",
        "SK",
        "SL",
        "SM",
        "SN",
        "SO",
        "SR",
        "SS",
        "ST",
        "SV",
        "SX",
        "SY",
        "SZ",
        "TC",
        "TD",
        "TF",
        "TG",
        "TH",
        "TJ",
        "TK",
        "TL",
        "TM",
        "TN",
        "TO",
        "TR",
        "TT",
        "TV",
        "TW",
        "TZ",
        "UA",
        "UG",
        "UM",
        "US",
        "UY",
        "UZ",
        "VA",
        "VC",
        "VE",
        "VG",
        "VI",
        "VN",
        "VU",
        "WF",
        "WS",
        "YE",
        "YT",
        "ZA",
        "ZM",
        "ZW",
    ]
)
"""ISO 3166-1 alpha-2, which is what ONIX list 91 holds; 249 codes."""


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """English names by code, in the order in which a reader looks for them."""
    territories = Locale.parse("en_GB").territories
    return dict(sorted(((code, territories[code]) for code in COUNTRIES), key=lambda pair: _without_accents(pair[1])))


def name(code: str) -> str:
    """The English name of a country; raises KeyError for a code we do not know."""
    return names()[code]


@lru_cache(maxsize=300)
def in_sentence(code: str) -> str:
    """The name as it stands inside a sentence: the United Kingdom, but Canada."""
    if code not in COUNTRIES:
        return code
    with_article = {
        "AE",
        "AX",
        "BQ",
        "BS",
        "CC",
        "CF",
        "CD",
        "CG",
        "CK",
        "DO",
        "FK",
        "FO",
        "GB",
        "GM",
        "GS",
        "HM",
        "IM",
        "IO",
        "KM",
    }
    with_article |= {"KY", "MH", "MP", "MV", "NL", "PH", "PN", "PS", "SB", "TC", "TF", "UM", "US", "VA", "VG", "VI"}
    return f"the {name(code)}" if code in with_article else name(code)


def _without_accents(text: str) -> str:
    """For sorting: Åland stands among the As, Türkiye before Tuvalu."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


FEW = 6
MARKETS = ("US", "CA", "GB", "IE", "AU", "NZ", "IN", "ZA")
"""Where most books in English are sold: of a long list of countries, people first ask for these."""


def in_words(codes: frozenset[str]) -> str:
    """A set of countries as people call it: its names, what it leaves out, or its size and the great markets."""
    left_out = COUNTRIES - codes
    if not codes or not left_out:
        return "Everywhere" if codes else "Nowhere"
    if len(codes) <= FEW:
        words = _listed(codes)
        return words[0].upper() + words[1:]
    if len(left_out) <= FEW:
        return f"Everywhere but {_listed(left_out)}"
    within = ", ".join(code for code in MARKETS if code in codes)
    without = ", ".join(code for code in MARKETS if code not in codes)
    told = [f"with {within}"] * bool(within) + [f"without {without}"] * bool(without)
    return f"{len(codes)} countries, {'; '.join(told)}"


def _listed(codes: frozenset[str]) -> str:
    *others, last = [in_sentence(code) for code in names() if code in codes]
    return f"{', '.join(others)} and {last}" if others else last
