"""Captions of scene facts: a grammar whose every production says what it claims, so that truth is a bit test."""

import re
from bisect import bisect
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate, combinations

import numpy as np

COUNTED = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10")  # "10" stands for ten or more
# What is true or false of a scene: attribute -> names of its values. A fact is a position in its tuple.
VALUES: dict[str, tuple[str, ...]] = {
    "kind": ("airport", "baseballfield", "beach", "bridge", "denseresidential", "desert", "farmland", "forest",
             "parking", "pond", "port", "railwaystation", "roundabout", "sparseresidential", "stadium", "storagetanks",
             "tenniscourts", "windfarm"),
    "ground": ("grass", "sand", "soil", "concrete", "snow", "ploughed"),
    "line": ("none", "road", "dirt road", "river", "green river", "railway", "runway", "coast"),
    "form": ("none", "straight", "curved"),
    "axis": ("none", "vertical", "horizontal"),
    "side": ("none", "left", "right", "above", "below", "both", "across"),
    "colour": ("white", "red", "blue", "yellow", "orange", "green", "black", "brown", "purple"),
    "count": COUNTED,
    "arrangement": ("single", "row", "grid", "scattered", "circle", "split"),
    "extra": ("none", "trees", "buildings", "pool", "panels"),
    "place": ("none", "left", "right", "top", "bottom", "around"),
}  # fmt: skip
ATTRIBUTES = tuple(VALUES)
SLOT = re.compile(r"\{(\w+)\}")
ALL = -1  # every bit set: the caption says nothing about this attribute

# kind -> names of one / many (the usual one first), of the place, and what the objects do there
WORDS: dict[str, tuple[str, str, str]] = {
    "airport": ("plane/planes, airplane/airplanes, aircraft/aircraft, jet/jets, airliner/airliners",
                "an airport, an airfield, an aerodrome", "parked, standing, waiting, resting, stopped"),
    "baseballfield": ("baseball diamond/baseball diamonds, baseball field/baseball fields, ball field/ball fields",
                      "a ballpark, a baseball ground", "laid out, located, lying, placed"),
    "beach": ("parasol/parasols, beach umbrella/beach umbrellas, sunshade/sunshades",
              "a beach, a seaside resort, a bathing beach", "open, standing, placed, put up"),
    "bridge": ("bridge/bridges, footbridge/footbridges, crossing/crossings",
               "a river valley, a river landscape", "built, located, visible, placed"),
    "denseresidential": ("house/houses, home/homes, dwelling/dwellings, residence/residences",
                         "a dense residential area, a crowded neighbourhood, a packed suburb",
                         "built, standing, crowded"),
    "desert": ("dune/dunes, sand dune/sand dunes, crescent dune/crescent dunes",
               "a desert, an arid region, a wasteland", "lying, rising, located, seen"),
    "farmland": ("field/fields, crop field/crop fields, piece of farmland/pieces of farmland, farm plot/farm plots",
                 "a farmland, an agricultural area, a farming region", "lying, planted, cultivated, located"),
    "forest": ("forest tree/forest trees, woodland tree/woodland trees",
               "a forest, a dense forest, a wood, a woodland", "growing, standing, spread"),
    "parking": ("car/cars, vehicle/vehicles, automobile/automobiles",
                "a parking lot, a car park, a parking area", "parked, standing, stopped, left"),
    "pond": ("pond/ponds, lake/lakes, irregular pond/irregular ponds",
             "a wetland, a lake district, a pond landscape", "lying, located, situated, spread"),
    "port": ("boat/boats, ship/ships, vessel/vessels, yacht/yachts",
             "a port, a harbour, a marina", "moored, docked, anchored, floating"),
    "railwaystation": ("train/trains, passenger train/passenger trains, tram/trams",
                       "a railway station, a train depot, a rail yard", "waiting, standing, stopped, parked"),
    "roundabout": ("roundabout/roundabouts, traffic circle/traffic circles, rotary/rotaries",
                   "a road junction, an intersection", "built, located, situated"),
    "sparseresidential": ("house/houses, home/homes, dwelling/dwellings, cottage/cottages",
                          "a sparse residential area, a village, a hamlet, a rural settlement",
                          "built, standing, located, situated"),
    "stadium": ("running track/running tracks, oval track/oval tracks, playground/playgrounds, stadium/stadiums",
                "an athletics ground, a sports complex", "laid out, located, built, situated"),
    "storagetanks": ("storage tank/storage tanks, oil tank/oil tanks, round tank/round tanks, cistern/cisterns",
                     "a tank farm, an oil depot, a refinery", "built, standing, arranged, located"),
    "tenniscourts": ("tennis court/tennis courts, court/courts, tennis ground/tennis grounds",
                     "a tennis club, a tennis centre", "laid out, located, placed, lying"),
    "windfarm": ("wind turbine/wind turbines, windmill/windmills, turbine/turbines",
                 "a wind farm, a wind park", "turning, standing, built, spinning"),
}  # fmt: skip
HOUSES = {"house", "home", "dwelling"}  # said of dense and sparse areas alike
COLOUR_WORDS = {"white": "white*2, bright, pale", "red": "red*2, crimson, scarlet", "blue": "blue*2, azure, navy",
                "yellow": "yellow*2, golden", "orange": "orange*2, amber", "green": "green*2, emerald",
                "black": "black*2, dark", "brown": "brown*2, tan", "purple": "purple*2, violet"}  # fmt: skip

Production = tuple[str, dict[str, str], int]  # text with {slots}, attribute -> allowed values, weight


def _say(texts: str, **claims: str) -> list[Production]:
    """Productions from "text, text*weight, ..."; all make the same claims ("attribute=value,value")."""
    parts = [text.strip().partition("*") for text in texts.split(",")]
    return [(text, claims, int(weight or 1)) for text, _, weight in parts]


def _from(first: int, last: int = 10) -> str:
    return ",".join(COUNTED[first - 1 : last])


def _but(attribute: str, *left_out: str) -> str:
    return ",".join(name for name in VALUES[attribute] if name not in left_out)


def _nouns() -> list[Production]:
    productions = []
    for kind, (nouns, _, _) in WORDS.items():
        for place, noun in enumerate(nouns.split(", ")):
            one, many = noun.split("/")
            kinds, weight = "denseresidential,sparseresidential" if one in HOUSES else kind, 1 if place else 3
            productions += _say(f"{one}*{weight}", kind=kinds, count="1")
            productions += _say(f"{many}*{weight}", kind=kinds, count=_from(2))
    return productions


def _each(attribute: str, texts: dict[str, str]) -> list[Production]:
    return [item for value, words in texts.items() for item in _say(words, **{attribute: value})]


SIDED, NEXT, FACING = _but("side", "none"), _but("side", "none", "across"), "left,right,above,below"
ARRANGED, WITH, EDGES = _but("arrangement", "single"), _but("extra", "none"), _but("place", "none", "around")


def _wheres() -> list[Production]:
    """Every choice of at most three of the four details, in reading order; one or two are usual."""
    needs = {"{arranged}": ("arrangement", ARRANGED), "{on}": ("ground", _but("ground")), "{beside}": ("side", SIDED),
             "{with}": ("extra", WITH)}  # fmt: skip
    chosen = [names for number in range(4) for names in combinations(needs, number)]
    return [(" ".join(names), dict(needs[name] for name in names), (2, 4, 4, 2)[len(names)]) for names in chosen]


GRAMMAR: dict[str, list[Production]] = {
    "sentence": [
        *_say("{group} {are} {doing} {where}*6, there {are} {group} {where}*4"),
        *_say("{group} {are} {doing} in {site} {where}*3, {group} {where} in {site}*2"),
        *_say("{this} {site} with {group} {where}*4, in {site} {are} {group} {where}*2, {we} {group} {where}*3"),
        *_say("{group} can be {seen} {where}*2, {some} {noun} {are} {doing} in {site}*3, {this} {site} {on}"),
        *_say("{line} {passes} {group} {on}*2, {site} with {group} {lies} {beside}*2", side=NEXT),
        *_say("{line} {passes} {group} {arranged}*2", side=NEXT, arrangement=ARRANGED),
        *_say("{on} {are} {group} {beside}, {this} {site} {beside}", side=SIDED),
        *_say("{extra} {xnear} {group} {last}*2, {this} {site} {with}", extra=WITH),
    ],
    "where": _wheres(),
    "last": _say("{arranged}*2", arrangement=ARRANGED) + _say("{beside}*2", side=SIDED) + _say("{on}, "),
    "this": _say("this is*2, it is*2, here is, the picture shows, this image presents"),
    "we": _say("we can see*3, the image contains, one can find, the photo displays"),
    "seen": _say("seen*3, found, recognised, noticed"),
    "lies": _say("is*2, lies, is located, is situated"),
    "passes": _say("passes*2, runs past, goes by, extends alongside"),
    "are": _say("is", count="1") + _say("are", count=_from(2)),
    "group": _say("{number} {colour} {noun}*6, {number} {noun}*2, {number} {size} {colour} {noun}"),
    "size": _say("big", count="1") + _say("similar", count=_from(2)),
    "some": [*_say("a", count="1"), *_say("some*2", count=_from(2)), *_say("several", count=_from(3, 7)),
             *_say("many", count=_from(6)), *_say("a few", count=_from(2, 4))],
    "number": [
        *_say("a*4, one*2, a single*2, only one", count="1"), *_say("two*6, a pair of*2, a couple of", count="2"),
        *_each("count", {"3": "three*7", "4": "four*7", "5": "five*7", "6": "six*7, half a dozen", "7": "seven*7",
                         "8": "eight*7", "9": "nine*7"}),
        *_say("a few*2, less than five", count=_from(2, 4)), *_say("some*2", count=_from(2)),
        *_say("several*3", count=_from(3, 7)), *_say("more than three", count=_from(4)),
        *_say("many*3", count=_from(6)), *_say("lots of", count=_from(7)), *_say("numerous", count=_from(8)),
        *_say("a large number of*3, plenty of*2, countless*2", count="10"),
    ],
    "colour": _each("colour", COLOUR_WORDS),
    "noun": _nouns(),
    "site": _each("kind", {kind: places for kind, (_, places, _) in WORDS.items()}),
    "doing": _each("kind", {kind: verbs for kind, (_, _, verbs) in WORDS.items()}),
    "arranged": _each("arrangement", {
        "row": "in a row*2, in a straight line, side by side, lined up one after another",
        "grid": "in a grid, in a regular pattern, in a neat grid", "grid,split": "in neat rows, orderly in rows",
        "row,grid": "neatly aligned",
        "scattered": "scattered around, scattered irregularly, dispersed, randomly distributed, in disorder",
        "circle": "in a circle, in a ring, arranged in a circle, forming a round shape",
        "split": "in two separate groups, divided into two groups, split into two parts",
    }),
    "on": _say("on {land}*4, amid {land}", kind=_but("kind", "port", "bridge"))
    + _say("near {land}*2, close to {land}", kind="port,bridge"),
    "land": _each("ground", {
        "grass": "green grass, a meadow, a green lawn, grassland, lush turf",
        "sand": "yellow sand, sandy ground, fine sand, a sandy plain",
        "soil": "bare soil, brown earth, bareland, muddy ground",
        "concrete": "grey concrete, cement ground, a concrete square, grey pavement",
        "snow": "white snow, snowy ground, a snowfield, frozen land",
        "ploughed": "ploughed land, striped ground, furrowed soil, tilled earth",
    }),
    "beside": [
        *_say("{near} {line}*5", side=NEXT),
        *_each("side", {"left": "{leftof} {line}*5", "right": "{rightof} {line}*5", "above": "{above} {line}*5",
                        "below": "{below} {line}*5", "both": "{both} {line}*8"}),
        *_each("kind", {"bridge": "over {line}*3, across {line}*2", "roundabout": "on {line}*3"}),
    ],
    "near": _say("beside*2, near*2, next to*2, close to, by, along"),
    "leftof": _say("to the left of*3, on the left side of, left of, west of"),
    "rightof": _say("to the right of*3, on the right side of, right of, east of"),
    "above": _say("above*3, north of*2, on the upper side of"),
    "below": _say("below*3, south of*2, on the lower side of"),
    "both": _say("on both sides of*3, in two sides of, on either side of"),
    "line": [  # at a roundabout roads run both ways, so that no course is worth saying
        *_say("a {trait} {way}*2, a {way}*3", line=_but("line", "none", "coast")),
        *_say("a {way} {course}", line=_but("line", "none", "coast"), kind=_but("kind", "roundabout")),
        *_say("the {trait} {shore}, the {shore}*5, the {shore} {course}", line="coast"),
    ],
    "trait": _each("form", {"curved": "curved, winding, bending", "straight": "straight*2, long straight"}),
    "course": _each("axis", {"vertical": "from top to bottom, running vertically",
                             "horizontal": "from left to right, running horizontally"}),
    "way": _each("line", {
        "road": "road, grey road, paved road, highway, street, asphalt road",
        "dirt road": "dirt road, unpaved road, gravel path, country lane", "road,dirt road": "road",
        "river": "river, blue river, blue stream", "green river": "green river, dark green river",
        "river,green river": "river, stream", "railway": "railway, railroad, rail track",
        "runway": "runway, airstrip, landing strip",
    }),
    "shore": _say("coast, shoreline, seashore, coastline", line="coast"),
    "with": [
        *_say("with {extra} nearby*2, and {extra}", extra=WITH), *_say("with {extra} {at}*4", place=EDGES),
        *_say("opposite {extra}, with {extra} on the other side*2", place=EDGES, side=FACING),
        *_say("surrounded by {extra}*3, with {extra} all around*3, enclosed by {extra}*3", place="around"),
    ],
    "at": _each("place", {
        "left": "on the left*2, at the left edge, in the west",
        "right": "on the right*2, at the right edge, in the east",
        "top": "at the top*2, along the upper edge, in the north",
        "bottom": "at the bottom*2, along the lower edge, in the south",
    }),
    "extra": _each("extra", {
        "trees": "some trees, green trees, some green trees, many plants, leafy trees",
        "buildings": "some buildings, grey buildings, three halls, several warehouses, flat roofed buildings",
        "pool": "a swimming pool, a turquoise pool, a long pool",
        "panels": "solar panels, dark solar panels, some solar modules, rows of solar cells",
    }),
    "xnear": [*_say("is {near}", extra="pool"), *_say("are {near}, stand near", extra="trees,buildings"),
              *_say("can be seen near", extra="panels"), *_say("surround*3", place="around")],
}  # fmt: skip

Rule = tuple[str, tuple[tuple[int, int], ...], int]  # text, (column, a bit for each allowed value) ..., weight


def _bits(claims: dict[str, str]) -> tuple[tuple[int, int], ...]:
    return tuple((ATTRIBUTES.index(attribute), sum(1 << VALUES[attribute].index(name) for name in names.split(",")))
                 for attribute, names in claims.items())  # fmt: skip


RULES: dict[str, list[Rule]] = {slot: [(text, _bits(claims), weight) for text, claims, weight in productions]
                                for slot, productions in GRAMMAR.items()}  # fmt: skip
# the columns that decide which productions of a slot are true: all that the cache below must know
RELEVANT = {slot: sorted({column for _, bits, _ in rules for column, _ in bits}) for slot, rules in RULES.items()}


@lru_cache(maxsize=20_000)
def _options(slot: str, facts: tuple[int, ...]) -> tuple[list[Rule], list[int]]:
    """The productions of a slot that are true of a scene (its relevant facts), and their running weights."""
    fact = dict(zip(RELEVANT[slot], facts, strict=True))
    fitting = [rule for rule in RULES[slot] if all(bits >> fact[column] & 1 for column, bits in rule[1])]
    return fitting, list(accumulate(weight for _, _, weight in fitting))


def _expand(slot: str, codes: tuple[int, ...], claims: list[int], rng: np.random.Generator) -> str:
    """A random true text for ``slot``; what it claims is added to ``claims`` in place."""
    fitting, running = _options(slot, tuple([codes[column] for column in RELEVANT[slot]]))
    text, claimed, _ = fitting[bisect(running, rng.random() * running[-1])]
    for column, bits in claimed:
        claims[column] &= bits
    return SLOT.sub(lambda match: _expand(match[1], codes, claims, rng), text) if "{" in text else text


def _write(codes: tuple[int, ...], rng: np.random.Generator) -> tuple[str, list[int]]:
    claims = [ALL] * len(ATTRIBUTES)
    text = " ".join(_expand("sentence", codes, claims, rng).split())
    return re.sub(r"\ba (?=[aeiou])", "an ", text) + " .", claims


def write_captions(facts: Mapping[str, str], count: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Write ``count`` captions that are true of a scene, each 5 to 20 words, different while the grammar lasts.

    **Shape**: ``count`` texts; claims (count, attributes) int64, a bit for every value that the caption allows.

    >>> facts = {attribute: names[0] for attribute, names in VALUES.items()}
    >>> write_captions(facts, 1, np.random.default_rng(0))[0][0][-2:]
    ' .'

    Taught in: notebooks/00_start_here
    """
    codes = tuple(VALUES[a].index(facts[a]) for a in ATTRIBUTES)
    texts: list[str] = []
    claims: list[list[int]] = []
    tries = 0
    while len(texts) < count:
        text, said = _write(codes, rng)
        tries += 1
        if 5 <= len(text.split()) - 1 <= 20 and (text not in texts or tries > 4 * count):
            texts.append(text)
            claims.append(said)
    return texts, np.array(claims, np.int64)
