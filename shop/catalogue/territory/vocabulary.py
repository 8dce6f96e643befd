"""The words in which publishers speak of territory, beside the names that CLDR gives countries; how they are cut apart.

Data: phrases are written as in a sentence; case, accents, articles, hyphens and ampersands do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

WORLD = (
    *("world", "worldwide", "world wide", "whole world", "entire world", "all the world", "around the world"),
    *("throughout the world", "world rights", "world English", "world English language", "world all languages"),
    *("all countries", "all countries of the world", "all territories", "every country", "everywhere", "anywhere"),
    *("global", "globally", "international", "internationally", "universal", "universe", "universally"),
    *("rest of world", "rest of the world", "remainder of the world", "rest world", "ROW", "RoW", "WW"),
    *("elsewhere", "all other countries", "all other territories", "other countries", "other territories"),
    *("every territory", "all regions", "all markets", "WEL"),
    *(f"{what}{mark} all" for what in ("territories", "territory", "countries", "markets") for mark in ("", ":")),
)

UNRESTRICTED = (
    *("no restrictions", "unrestricted", "no territorial restrictions"),
    *(f"{kind} restrictions{mark} none" for kind in ("", "territorial", "sales") for mark in ("", ":")),
)
"""These mean the world where nothing else is opened: of places that are named, they say no more than that."""

INCLUDE = (
    *("including", "include", "includes", "included", "inclusive of", "incl", "incl.", "inc.", "not excluded"),
    *("with the addition of", "with the inclusion of"),
)
"""These open what is named after them; within an exclusion they may as well describe what is excluded."""

RESTORE = (
    *("but including", "but include", "but includes", "but incl", "but incl.", "but not excluding", "not excluding"),
    *("but with the addition of", "except that it includes", "although including", "though including"),
)
"""These open what is named after them, within an exclusion too."""

SALE = (
    *("for sale in", "for sale throughout", "on sale in", "available in", "may be sold in", "can be sold in"),
    *("for sale only in", "available only in", "exclusive in", "non-exclusive in", "nonexclusive in"),
    *("not for export from", "not for re-export from"),
)
"""These open only at the head of a part of the sentence: "not for sale in" denies, and "or available in" goes on."""

YES = ("y", "yes")

EXCLUDE = (
    *("excluding", "exclude", "excludes", "exclusive of", "excl", "excl.", "ex", "ex.", "exc", "exc.", "x", "−", "non"),
    *("except", "except for", "except in", "with the exception of", "with exception of", "with exceptions of"),
    *("exception", "exceptions", "excepting", "save", "save for", "saving", "bar", "barring", "other than"),
    *("apart from", "aside from", "not including", "not incl", "but for", "without"),
    *("minus", "less", "omitting", "not covering", "all but", "if not in", "but excluding", "and excluding", "sans"),
    *("but no", "with no rights in", "no rights in", "excluding only", "not in", "not the", "exclusion", "exclusions"),
    *("exclusion of", "with the exclusion of", "to the exclusion of"),
)
"""These close what is named after them."""

BEFORE_NOT = ("but", "though", "although")
"""A phrase that begins with "not" means the same after one of these: but not for sale in."""

BUT_NOT = tuple(f"{one} not{ending}" for one in BEFORE_NOT for ending in ("", " in", " the"))
"""In an exclusion these let a part of it in again; elsewhere they close."""

BUT = ("but",)
"""Closes a place that stands right after it, when all before it is open: the world but the UK."""

OUTSIDE = (
    *("outside", "outside of", "anywhere outside", "anywhere outside of", "any country outside", "beyond", "out of"),
    *("anywhere other than", "anywhere except", "anywhere but", "in any country other than", "everywhere but"),
)

NO = (
    *("not for sale in", "not for resale in", "not for distribution in", "not for export to", "not available in"),
    *("not available to", "not available to customers in", "unavailable in", "not be sold in", "may not be sold in"),
    *("must not be sold in", "cannot be sold in", "cannot be sold to", "can not be sold in", "not sold in"),
    *("no sale in", "no sales in", "not to be sold in", "cannot be despatched to", "cannot be dispatched to"),
    *("not despatched to", "cannot be shipped to", "not shipped to", "cannot be supplied to", "not supplied to"),
    *("not permitted in", "cannot be delivered to", "cannot be exported to", "not licensed for", "not licensed in"),
    *("prohibited in", "not authorised in", "not authorized in", "unauthorised in", "unauthorized in"),
    *("restricted in", "blocked in", "forbidden in", "no longer able to sell", "unable to sell", "not able to sell"),
    *("cannot sell", "do not sell", "not be exported to", "not be imported into", "not for import into"),
    *("not valid in", "banned in", "no export to", "withheld in", "reserved in", "no", "not", "never", "cannot"),
    *("can't", "won't", "nor", "neither", "unable", "don't", "doesn't", "isn't", "aren't", "mustn't"),
)
"""After these, places are closed; at the end of what they speak of, they close the places before them."""

DENIED = (
    *("excluded", "excepted", "exempted", "omitted", "not included", "are not included", "not covered", "closed"),
    *("not for sale", "not for resale", "not for distribution", "not available", "unavailable"),
    *("not be sold", "not sold", "not to be sold", "cannot be sold", "cannot be despatched", "no sale", "no sales"),
    *("no rights", "not licensed", "not permitted", "not allowed", "not authorised", "not authorized", "not granted"),
    *("prohibited", "forbidden", "banned", "blocked", "withheld", "unauthorised", "unauthorized", "illegal"),
    *("unlawful", "restricted", "restriction", "restrictions", "infringement", "infringes", "breach", "n"),
    *("rights sold", "already sold", "rights already sold"),
)
"""Said of the places before them as well as of those after them."""

STAYS = ("not for export", "not for re-export", "no export", "export prohibited", "export not permitted")
"""Of the places after them, these say that it must not go there; of those before them, nothing."""

FORBIDS = frozenset(
    {
        *("prohibited", "forbidden", "unauthorised", "unauthorized", "illegal", "unlawful", "banned", "infringement"),
        *("infringes", "breach", "not", "no", "never", "blocked", "restricted"),
    }
)
"""At the end of a sentence with "outside X", these close everything but X."""

GONE = ("sold", "sold elsewhere")
"""At the end of what they speak of, these say that somebody else has the rights there."""

CONTRAST = frozenset({"but", "yet", "however", "whereas", "while", "although", "though"})
"""After one of these, or a comma, a part of the sentence opens in its own right."""

SPEAKS_ANEW = frozenset({"exclusive", "nonexclusive", "non", "sale", "sold", "available"})
"""A part of a sentence with one of these does not go on with the exclusions before its semicolon."""

LISTED = {"us": "US", "can": "CA"}
"""Words that are countries where they stand, however they are written, in a list of what is closed."""

_LANGUAGES = ("English", "French", "German", "Spanish", "Portuguese", "Italian", "Dutch", "Arabic", "Chinese")

NARROWING = (
    *("northern", "southern", "eastern", "western", "central", "north", "south", "east", "west", "inner", "outer"),
    *("upper", "lower", "north-eastern", "north-western", "south-eastern", "south-western", "old", "former"),
    *("traditional", "parts of", "part of", "some of", "most of", "francophone", "anglophone", "lusophone"),
    *("hispanophone", "arabophone", "germanophone", "hispanic", *(f"{one}-speaking" for one in _LANGUAGES)),
    *(f"non-{one}-speaking" for one in _LANGUAGES),
)
"""Before the name of a place, these speak of less than it, unless both together are the name of another."""

NOTHING = (
    *("a", "an", "of", "in", "on", "at", "to", "for", "from", "by", "with", "or", "is", "are", "was", "be", "been"),
    *("it", "its", "this", "that", "these", "those", "which", "who", "we", "our", "you", "your", "they", "their"),
    *("has", "have", "will", "shall", "may", "can", "must", "should", "as", "than", "then", "so", "such", "per"),
    *("but", "yet", "all", "any", "every", "each", "both", "some", "other", "others", "etc", "namely", "viz", "ie"),
    *("eg", "i", "e", "g", "only", "solely", "exclusively", "strictly", "entirely", "wholly", "currently", "now"),
    *("rights", "right", "territory", "territories", "territorial", "territorially", "sales", "sale", "sell"),
    *("selling", "market", "markets", "country", "countries", "nation", "nations", "state", "states", "region"),
    *("regions", "area", "areas", "zone", "zones", "following", "listed", "below", "above", "named", "respective"),
    *("english", "language", "languages", "edition", "editions", "volume", "publication", "publications", "publish"),
    *("book", "books", "title", "titles", "ebook", "ebooks", "e-book", "e-books", "hardback", "hardcover", "paperback"),
    *("trade paperback", "mass market", "print", "digital", "electronic", "audio", "audiobook", "format", "formats"),
    *(
        "exclusive",
        "non-exclusive",
        "nonexclusive",
        "non-exclusively",
        "nonexclusively",
        "sole",
        "full",
        "subsidiary",
        "volume rights",
    ),
    *("distribution", "distributed", "distribute", "circulation", "availability", "available", "customers", "customer"),
    *("ordering", "order", "orders", "placing", "buyers", "readers", "reader", "residents", "resident", "based"),
    *("publisher", "publishers", "published", "licence", "license", "licensed", "contract", "agreement", "schedule"),
    *("possession", "possessions", "colony", "island group", "mainland", "continent", "group", "member", "members"),
    *("subject", "only in", "hereby", "herein", "thereof", "there", "here", "where", "if", "when", "also known as"),
    *("despatch", "despatched", "dispatch", "ship", "shipped", "shipping", "delivery", "export", "import", "resale"),
    *("able", "longer", "able to sell", "authorised", "authorized", "permitted", "copyright", "do", "does", "did"),
    *("holder", "holders", "held", "holds", "granted", "grant", "grants", "reserved", "controls", "control"),
    *("please", "note", "due", "because", "reasons", "agreements", "throughout", "across", "over", "into", "sorry"),
    *("uk edition", "us edition", "export edition", "export", "international edition", "first", "second", "new"),
    *("list", "see", "attached", "appendix", "part", "parts", "whole", "current", "present", "today", "date", "via"),
    *(
        "defined",
        "described",
        "set",
        "out",
        "terms",
        "conditions",
        "apply",
        "applies",
        "online",
        "website",
        "shop",
        "store",
        "stores",
        "retail",
        "trade",
    ),
    *(
        "plus",
        "as well as",
        "also",
        "along with",
        "together with",
        "and also",
        "but also",
        "not only",
        "in addition to",
    ),
    *("rights in", "within", "limited to", "restricted to", "confined to", "not limited to", "but not limited to"),
    *("not restricted to", "not confined to", "not exclusive in", "licensed for", "valid in", "published in"),
    *("sold in", "distributed in", "distribution in", "may be sold", "can be sold", "to be sold", "no exceptions"),
    *("without exception", "without exceptions", "without restriction", "without restrictions", "no exclusions"),
    *("without any restriction", "without any restrictions", "without limitation", "without territorial restriction"),
    *("without territorial restrictions", "not restricted", "not limited", "otherwise", "being"),
    *CONTRAST,
    *("hold", "own", "owns", "buy", "bought", "purchase", "purchased", "copy", "copies", "work", "works", "product"),
    *(f"{one} language" for one in _LANGUAGES),
    *("in the French language", "republic", "rep.", "rep", "allowed", "rest of", "remainder of"),
    *("law", "legal", "contractual", "bookshops", "booksellers", "retailers", "supply", "supplied", "until", "further"),
    *("special edition", "limited edition", "signed edition", "revised edition", "low price edition", "low-priced"),
    *("student edition", "not for export therefrom", "therefrom", "as to", "exclusions none", "exclusions: none"),
    *("but not exclusively", "though not exclusively"),
    *("individual", "specific", "certain", "various", "several", "two", "three", "four", "five", "six", "or in"),
)

DEPENDENCIES = (
    *("its territories and dependencies", "its dependencies", "its territories", "its possessions"),
    *("its territories and possessions", "its dependencies and territories", "their dependencies", "dependencies"),
    *("their territories and dependencies", "and dependencies", "territories and dependencies", "its colonies"),
    *("its overseas territories", "territories and possessions", "their territories", "dependent territories"),
    *("its dependent territories", "overseas territories", "outlying territories", "its outlying islands"),
    *("its protectorates", "their possessions", "possessions and territories", "dependencies and possessions"),
)

DEPENDENCIES_OF = {"US": "us-territories", "GB": "british-territories"}

VARIANTS: dict[str, tuple[str, ...]] = {
    "AE": ("UAE", "U.A.E.", "Emirates", "Dubai", "Abu Dhabi"),
    "AG": ("Antigua",),
    "AU": ("Australian", "Commonwealth of Australia", "Oz"),
    "BA": ("Bosnia", "Bosnia-Herzegovina", "Bosnia and Hercegovina"),
    "BN": ("Brunei Darussalam",),
    "BO": ("Plurinational State of Bolivia",),
    "BQ": ("Bonaire", "Saba", "Sint Eustatius", "Caribbean Netherlands"),
    "BS": ("Bahamas", "Commonwealth of the Bahamas"),
    "CA": ("Canadian", "Dominion of Canada"),
    "CC": ("Cocos Islands", "Keeling Islands"),
    "CD": ("DRC", "DR Congo", "Democratic Republic of the Congo", "Congo-Kinshasa", "Zaire", "Congo (Kinshasa)"),
    "CF": ("CAR",),
    "CG": ("Republic of the Congo", "Congo-Brazzaville", "Congo (Brazzaville)", "Congo Republic"),
    "CI": ("Ivory Coast", "Cote d'Ivoire"),
    "CN": ("People's Republic of China", "PRC", "Mainland China", "Chinese mainland", "P.R. China"),
    "CV": ("Cabo Verde",),
    "CZ": ("Czech Republic", "Czech Rep."),
    "DE": ("Federal Republic of Germany", "German"),
    "DM": ("Commonwealth of Dominica",),
    "EH": ("Sahara",),
    "FK": ("Falklands", "Malvinas", "Falkland Islands (Malvinas)"),
    "FM": ("Micronesia", "Federated States of Micronesia"),
    "FR": ("French", "Metropolitan France"),
    "GB": (
        *("UK", "U.K.", "GB", "G.B.", "Great Britain", "Britain", "British", "United Kingdom of Great Britain"),
        "United Kingdom of Great Britain and Northern Ireland",
    ),
    "GF": ("French Guyana",),
    "GM": ("Gambia", "The Gambia"),
    "GR": ("Greek", "Hellenic Republic"),
    "GW": ("Guinea Bissau",),
    "HK": ("Hong Kong", "Hong Kong SAR", "Hongkong"),
    "IE": (
        *("Eire", "Republic of Ireland", "Irish Republic", "ROI", "R.O.I.", "Irish", "Southern Ireland"),
        "Ireland (Republic of)",
    ),
    "IN": ("Indian", "Republic of India", "Bharat"),
    "IR": ("Islamic Republic of Iran", "Persia"),
    "IT": ("Italian",),
    "JP": ("Japanese",),
    "KN": ("Saint Kitts", "St Kitts", "St. Kitts and Nevis", "St Kitts & Nevis"),
    "KP": ("North Korea", "DPRK", "Democratic People's Republic of Korea", "Korea (North)"),
    "KR": ("South Korea", "Republic of Korea", "Korea (South)", "S. Korea"),
    "LA": ("Lao PDR", "Lao People's Democratic Republic"),
    "LC": ("St Lucia", "St. Lucia"),
    "LY": ("Libyan Arab Jamahiriya",),
    "MD": ("Republic of Moldova",),
    "MF": ("Saint-Martin (French part)",),
    "MK": ("Macedonia", "FYROM", "Former Yugoslav Republic of Macedonia", "Republic of Macedonia"),
    "MM": ("Burma", "Myanmar"),
    "MO": ("Macau", "Macao", "Macao SAR"),
    "MP": ("Northern Marianas", "Northern Mariana Islands", "CNMI"),
    "MX": ("Mexican",),
    "NL": ("Holland", "Dutch", "The Netherlands"),
    "NZ": ("N.Z.", "New Zealand", "Aotearoa", "Aotearoa New Zealand", "New Zealander"),
    "PG": ("PNG", "Papua"),
    "PH": ("Philippine Islands", "Philippine Republic", "Republic of the Philippines", "P.I."),
    "PM": ("St Pierre and Miquelon", "Saint Pierre and Miquelon"),
    "PN": ("Pitcairn",),
    "PS": ("Palestine", "Palestinian Territories", "State of Palestine", "West Bank", "Gaza", "West Bank and Gaza"),
    "RU": ("Russian Federation",),
    "SG": ("Singapore",),
    "SH": ("St Helena", "Ascension", "Tristan da Cunha", "St. Helena"),
    "SK": ("Slovak Republic",),
    "ST": ("Sao Tome", "Sao Tome and Principe"),
    "SX": ("St Maarten", "Sint Maarten"),
    "SY": ("Syrian Arab Republic",),
    "SZ": ("Swaziland", "Eswatini"),
    "TC": ("Turks and Caicos",),
    "TL": ("East Timor", "Timor Leste"),
    "TR": ("Turkey", "Turkiye"),
    "TT": ("Trinidad", "Tobago"),
    "TW": ("Formosa", "Republic of China", "Chinese Taipei", "Taiwan, Province of China"),
    "TZ": ("Tanzania", "United Republic of Tanzania", "Zanzibar"),
    "UM": ("US Minor Outlying Islands", "U.S. Minor Outlying Islands"),
    "US": (
        *("USA", "U.S.A.", "US", "U.S.", "United States of America", "United States", "America", "American"),
        *("continental United States", "US of A"),
    ),
    "VA": ("Vatican", "Holy See"),
    "VC": ("St Vincent", "St Vincent and the Grenadines", "St. Vincent & the Grenadines", "Grenadines"),
    "VG": ("British Virgin Islands", "Virgin Islands (British)", "BVI"),
    "VI": ("US Virgin Islands", "U.S. Virgin Islands", "Virgin Islands (US)", "Virgin Islands, U.S.", "USVI"),
    "VN": ("Viet Nam",),
    "WS": ("Western Samoa",),
    "ZA": ("RSA", "South African", "Republic of South Africa", "S. Africa"),
    "ZW": ("Rhodesia",),
}
"""Names beside CLDR's English ones: former, short and long names, adjectives, what contracts write."""

ADJECTIVES = frozenset(
    {
        *("american", "australian", "british", "canadian", "dutch", "french", "german", "greek", "indian", "irish"),
        *("italian", "japanese", "mexican"),
    }
)
"""Of the names above, those that begin names of other places too."""

AMBIGUOUS = {
    "Korea": ("KR", "KP"),
    "Congo": ("", "CD CG"),
    "Virgin Islands": ("", "VG VI"),
    "St Martin": ("MF", "SX"),
    "Saint Martin": ("MF", "SX"),
    "Samoa": ("WS", "AS"),
    "SA": ("", "SA ZA"),
    "NA": ("", "AS BM CA GL GU MP MX NA PH PM PR UM US VI"),
    "CI": ("", "CI GG JE"),
}
"""Names that more than one country bears, as (certain, disputed): what is disputed is never opened, and always shut."""

PARTS = {
    **dict.fromkeys(("England", "Scotland", "Wales", "Northern Ireland", "N. Ireland", "NI", "Ulster"), "GB"),
    "England and Wales": "GB",
    **dict.fromkeys(("Alaska", "Hawaii", "California", "New York", "Texas", "New Jersey", "New Mexico"), "US"),
    **dict.fromkeys(("lower 48 states", "contiguous United States", "District of Columbia"), "US"),
    **dict.fromkeys(("Quebec", "Ontario", "British Columbia", "Alberta", "French Canada", "English Canada"), "CA"),
    **dict.fromkeys(("Tasmania", "New South Wales", "Victoria", "Queensland", "Western Australia"), "AU"),
    **dict.fromkeys(("Bavaria",), "DE"),
    **dict.fromkeys(("Catalonia", "Canary Islands", "Balearic Islands"), "ES"),
    **dict.fromkeys(("Sicily", "Sardinia"), "IT"),
    **dict.fromkeys(("Corsica",), "FR"),
    **dict.fromkeys(("Madeira", "Azores"), "PT"),
    **dict.fromkeys(("Crete",), "GR"),
    **dict.fromkeys(("Sabah", "Sarawak"), "MY"),
    **dict.fromkeys(("Crimea",), "UA"),
    **dict.fromkeys(("Tibet",), "CN"),
}
"""Parts of countries: none can be sold to apart, so a part opens nothing, and shuts the whole."""

ONLY_IN_CAPITALS = frozenset({"us", "oz", "car", "row", "ww", "isc", "sa", "na", "ci", "ni", "pi", "i"})
"""Abbreviations that are words as well: they count only where they are written in capitals."""

ALSO_WORDS = frozenset(
    {
        *("in", "it", "is", "no", "to", "so", "at", "be", "as", "am", "me", "my", "do", "by", "al", "la", "de", "st"),
        *("us", "id", "pa", "ma", "mr", "ms", "md", "co", "ad", "ec", "er", "re", "sh", "ps", "pm", "tv", "cd", "cv"),
        *("and", "can", "per", "are", "sea", "cod", "guy", "tom", "ton", "nor", "mar", "jam", "cub", "gum", "com"),
    }
)
"""ISO codes that are words, or abbreviations of something else, as well."""

IN_LISTS_OF_CODES = frozenset({"cw", "sa", "na", "ci", "ni", "om"})
"""ISO codes that stand for Commonwealth, South Africa, North America, the Channel Islands, Northern Ireland or the open
market as well, unless they are among many codes."""

_ALPHA3 = """
ARE:AE ARG:AR AUS:AU AUT:AT BEL:BE BGD:BD BRA:BR CAN:CA CHE:CH CHL:CL CHN:CN COL:CO CYP:CY CZE:CZ DEU:DE DNK:DK EGY:EG
ESP:ES EST:EE FIN:FI FRA:FR GBR:GB GHA:GH GRC:GR HKG:HK HRV:HR HUN:HU IDN:ID IND:IN IRL:IE ISL:IS ISR:IL ITA:IT JAM:JM
JPN:JP KEN:KE KOR:KR LKA:LK LTU:LT LUX:LU LVA:LV MEX:MX MLT:MT MYS:MY NGA:NG NLD:NL NOR:NO NPL:NP NZL:NZ PAK:PK PER:PE
PHL:PH POL:PL PRI:PR PRT:PT ROU:RO RUS:RU SAU:SA SGP:SG SVK:SK SVN:SI SWE:SE THA:TH TTO:TT TUR:TR TWN:TW UKR:UA USA:US
VNM:VN ZAF:ZA ZMB:ZM ZWE:ZW
"""
ALPHA3 = dict(pair.split(":") for pair in _ALPHA3.split())
"""ISO 3166-1 alpha-3 codes that stand in statements, and their alpha-2."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark of a sentence, as it is written and as it is compared."""

    text: str
    folded: str

    @property
    def may_be_a_code(self) -> bool:
        """Whether it is written as ISO codes are."""
        return self.text.isupper() and self.text.isalpha() and len(self.text) in {2, 3}


_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’][^\W_]+)*\.?|[()\[\];:.]|[^\s\w]")
_MINUS = re.compile(r"(?:(?<=[\w)] )|(?<=[,;(])|(?<=[,;] ))[-–](?=[^\W\d_])|!(?=[A-Z]{2})")
"""A dash between a space or a comma and a name takes the name away: World -UK, -IE. A program may write !UK."""

_PLAIN = str.maketrans({"’": "'", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "ß": "ss", "æ": "ae"})
_ABBREVIATIONS = {"ex.", "excl.", "incl.", "exc.", "inc.", "st.", "is.", "rep.", "terr.", "n.", "s.", "e.", "w."}

DASHES = frozenset("-–—")
_OTHER_DASHES = dict.fromkeys(map(ord, "\u02d7\u2010\u2011\u2012\u2015\u2043\ufe58\ufe63\uff0d"), "-")
SILENT = frozenset({*DASHES, *"/&*.\"'“”", "\u2018", "the", "and"})
"""Inside a name nobody hears these, nor a comma: Antigua & Barbuda, Guinea-Bissau, Isle of the Man."""


def tokens(sentence: str) -> list[Token]:
    """Cut a sentence into its words and marks."""
    found = []
    for word in _WORD.findall(_MINUS.sub("−", sentence.translate(_OTHER_DASHES))):
        if word.endswith(".") and len(word) > 1 and word.count(".") == 1 and word.casefold() not in _ABBREVIATIONS:
            found += [Token(word[:-1], fold(word[:-1])), Token(".", ".")]
            continue
        found.append(Token(word, fold(word)))
    return found


@lru_cache(maxsize=16384)
def fold(text: str) -> str:
    """A word for comparing: small letters, no accents, no dots of abbreviation."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return letters if len(letters) == 1 else letters.replace(".", "").removesuffix("'s")


def phrase(text: str) -> tuple[str, ...]:
    """A name or a turn of phrase as it is heard."""
    return tuple(token.folded for token in tokens(text) if token.folded not in SILENT and token.text != ",")
