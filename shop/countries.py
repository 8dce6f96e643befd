"""Countries: the codes we know, and what they are called."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale

COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()
)
"""ISO 3166-1 alpha-2, which is what ONIX list 91 holds; 249 codes."""


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """English names by code, in the order in which a reader looks for them."""
    territories = Locale.parse("en_GB").territories
    return dict(sorted(((code, territories[code]) for code in COUNTRIES), key=lambda pair: pair[1]))


def name(code: str) -> str:
    """The English name of a country; raises KeyError for a code we do not know."""
    return names()[code]


def in_sentence(code: str) -> str:
    """The name as it stands inside a sentence: the United Kingdom, but Canada."""
    with_article = {
        "AE",
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
        "IM",
        "IO",
        "KM",
    }
    with_article |= {"KY", "MH", "MP", "MV", "NL", "PH", "SB", "TC", "TF", "UM", "US", "VA", "VG", "VI"}
    return f"the {name(code)}" if code in with_article else name(code)
