"""The words of the built-in world: what can be true of a scene, and a grammar whose every text says what it claims."""

import re
from itertools import combinations

# kind: names of the object (of many: after a stroke, else with s; the usual one first); of the place; what objects do
WORDS: dict[str, list[str]] = {kind: words.split("; ") for kind, words in {
    "airport": "plane, airplane, aircraft/aircraft, jet, airliner; an airport, an airfield, an aerodrome; "
               "parked, standing, waiting, resting, stopped",
    "baseballfield": "baseball diamond, baseball field, ball field; a ballpark, a baseball ground; "
                     "laid out, located, lying, placed",
    "beach": "parasol, beach umbrella, sunshade; a beach, a seaside resort, a bathing beach; "
             "open, standing, placed, put up",
    "bridge": "bridge, footbridge, crossing; a river valley, a river landscape; built, located, visible, placed",
    "denseresidential": "house, home, dwelling, residence; a dense residential area, a crowded neighbourhood, "
                        "a packed suburb; built, standing, crowded",
    "desert": "dune, sand dune, crescent dune; a desert, an arid region, a wasteland; lying, rising, located, seen",
    "farmland": "field, crop field, piece of farmland/pieces of farmland, farm plot; a farmland, an agricultural area, "
                "a farming region; lying, planted, cultivated, located",
    "forest": "forest tree, woodland tree; a forest, a dense forest, a wood, a woodland; growing, standing, spread",
    "parking": "car, vehicle, automobile; a parking lot, a car park, a parking area; parked, standing, stopped, left",
    "pond": "pond, lake, irregular pond; a wetland, a lake district, a pond landscape; "
            "lying, located, situated, spread",
    "port": "boat, ship, vessel, yacht; a port, a harbour, a marina; moored, docked, anchored, floating",
    "railwaystation": "train, passenger train, tram; a railway station, a train depot, a rail yard; "
                      "waiting, standing, stopped, parked",
    "roundabout": "roundabout, traffic circle, rotary/rotaries; a road junction, an intersection; "
                  "built, located, situated",
    "sparseresidential": "house, home, dwelling, cottage; a sparse residential area, a village, a hamlet, "
                         "a rural settlement; built, standing, located, situated",
    "stadium": "running track, oval track, playground, stadium; an athletics ground, a sports complex; "
               "laid out, located, built, situated",
    "storagetanks": "storage tank, oil tank, round tank, cistern; a tank farm, an oil depot, a refinery; "
                    "built, standing, arranged, located",
    "tenniscourts": "tennis court, court, tennis ground; a tennis club, a tennis centre; "
                    "laid out, located, placed, lying",
    "windfarm": "wind turbine, windmill, turbine; a wind farm, a wind park; turning, standing, built, spinning",
}.items()}  # fmt: skip
HOUSES = {"house", "home", "dwelling"}  # said of dense and sparse areas alike

# What is true or false of a scene: attribute -> names of its values. A fact is a position in its tuple.
VALUES: dict[str, tuple[str, ...]] = {"kind": tuple(WORDS)} | {attribute: tuple(names.split(", ")) for attribute, names in {
    "ground": "grass, sand, soil, concrete, snow, ploughed",
    "line": "none, road, dirt road, river, green river, railway, runway, coast",
    "form": "none, straight, curved",
    "axis": "none, vertical, horizontal",
    "side": "none, left, right, above, below, both, across",
    "colour": "white, red, blue, yellow, orange, green, black, brown, purple",
    "count": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10",  # 10 stands for ten or more
    "arrangement": "single, row, grid, scattered, circle, split",
    "extra": "none, trees, buildings, pool, panels",
    "place": "none, left, right, top, bottom, around",
}.items()}  # fmt: skip
ATTRIBUTES = tuple(VALUES)

# slot -> [claims] text, text*weight | ...; claims are attribute=value,value, !value for all others, 2..4 for counts
TEXTS = """
sentence -> {group} {are} {doing} {where}*6, there {are} {group} {where}*4
  | {group} {are} {doing} in {site} {where}*3, {group} {where} in {site}*2
  | {this} {site} with {group} {where}*4, in {site} {are} {group} {where}*2, {we} {group} {where}*3
  | {group} can be {seen} {where}*2, {some} {noun} {are} {doing} in {site}*3, {this} {site} {on}
  | [side=!none,across] {line} {passes} {group} {on}*2, {site} with {group} {lies} {beside}*2
  | [side=!none,across arrangement=!single] {line} {passes} {group} {arranged}*2
  | [side=!none] {on} {are} {group} {beside}, {this} {site} {beside}
  | [extra=!none] {extra} {xnear} {group} {last}*2, {this} {site} {with}
last -> [arrangement=!single] {arranged}*2 | [side=!none] {beside}*2 | {on},
this -> this is*2, it is*2, here is, the picture shows, this image presents
we -> we can see*3, the image contains, one can find, the photo displays
seen -> seen*3, found, recognised, noticed
lies -> is*2, lies, is located, is situated
passes -> passes*2, runs past, goes by, extends alongside
are -> [count=1] is | [count=2..10] are
group -> {number} {colour} {noun}*6, {number} {noun}*2, {number} {size} {colour} {noun}
size -> [count=1] big | [count=2..10] similar
some -> [count=1] a | [count=2..10] some*2 | [count=3..7] several | [count=6..10] many | [count=2..4] a few
number -> [count=1] a*4, one*2, a single*2, only one | [count=2] two*6, a pair of*2, a couple of | [count=3] three*7
  | [count=4] four*7 | [count=5] five*7 | [count=6] six*7, half a dozen | [count=7] seven*7 | [count=8] eight*7
  | [count=9] nine*7 | [count=2..4] a few*2, less than five | [count=2..10] some*2 | [count=3..7] several*3
  | [count=4..10] more than three | [count=6..10] many*3 | [count=7..10] lots of | [count=8..10] numerous
  | [count=10] a large number of*3, plenty of*2, countless*2
colour -> [colour=white] white*2, bright, pale | [colour=red] red*2, crimson, scarlet | [colour=blue] blue*2, azure, navy
  | [colour=yellow] yellow*2, golden | [colour=orange] orange*2, amber | [colour=green] green*2, emerald
  | [colour=black] black*2, dark | [colour=brown] brown*2, tan | [colour=purple] purple*2, violet
arranged -> [arrangement=row] in a row*2, in a straight line, side by side, lined up one after another
  | [arrangement=grid] in a grid, in a regular pattern, in a neat grid
  | [arrangement=grid,split] in neat rows, orderly in rows | [arrangement=row,grid] neatly aligned
  | [arrangement=scattered] scattered around, scattered irregularly, dispersed, randomly distributed, in disorder
  | [arrangement=circle] in a circle, in a ring, arranged in a circle, forming a round shape
  | [arrangement=split] in two separate groups, divided into two groups, split into two parts
on -> [kind=!port,bridge] on {land}*4, amid {land} | [kind=port,bridge] near {land}*2, close to {land}
land -> [ground=grass] green grass, a meadow, a green lawn, grassland, lush turf
  | [ground=sand] yellow sand, sandy ground, fine sand, a sandy plain
  | [ground=soil] bare soil, brown earth, bareland, muddy ground
  | [ground=concrete] grey concrete, cement ground, a concrete square, grey pavement
  | [ground=snow] white snow, snowy ground, a snowfield, frozen land
  | [ground=ploughed] ploughed land, striped ground, furrowed soil, tilled earth
beside -> [side=!none,across] {near} {line}*5 | [side=left] {leftof} {line}*5 | [side=right] {rightof} {line}*5
  | [side=above] {above} {line}*5 | [side=below] {below} {line}*5 | [side=both] {both} {line}*8
  | [kind=bridge] over {line}*3, across {line}*2 | [kind=roundabout] on {line}*3
near -> beside*2, near*2, next to*2, close to, by, along
leftof -> to the left of*3, on the left side of, left of, west of
rightof -> to the right of*3, on the right side of, right of, east of
above -> above*3, north of*2, on the upper side of
below -> below*3, south of*2, on the lower side of
both -> on both sides of*3, in two sides of, on either side of
line -> [line=!none,coast] a {trait} {way}*2, a {way}*3 | [line=!none,coast kind=!roundabout] a {way} {course}
  | [line=coast] the {trait} {shore}, the {shore}*5, the {shore} {course}
trait -> [form=curved] curved, winding, bending | [form=straight] straight*2, long straight
course -> [axis=vertical] from top to bottom, running vertically
  | [axis=horizontal] from left to right, running horizontally
way -> [line=road] road, grey road, paved road, highway, street, asphalt road
  | [line=dirt-road] dirt road, unpaved road, gravel path, country lane | [line=road,dirt-road] road
  | [line=river] river, blue river, blue stream | [line=green-river] green river, dark green river
  | [line=river,green-river] river, stream | [line=railway] railway, railroad, rail track
  | [line=runway] runway, airstrip, landing strip
shore -> [line=coast] coast, shoreline, seashore, coastline
with -> [extra=!none] with {extra} nearby*2, and {extra} | [place=!none,around] with {extra} {at}*4
  | [place=!none,around side=left,right,above,below] opposite {extra}, with {extra} on the other side*2
  | [place=around] surrounded by {extra}*3, with {extra} all around*3, enclosed by {extra}*3
at -> [place=left] on the left*2, at the left edge, in the west
  | [place=right] on the right*2, at the right edge, in the east
  | [place=top] at the top*2, along the upper edge, in the north
  | [place=bottom] at the bottom*2, along the lower edge, in the south
extra -> [extra=trees] some trees, green trees, some green trees, many plants, leafy trees
  | [extra=buildings] some buildings, grey buildings, three halls, several warehouses, flat roofed buildings
  | [extra=pool] a swimming pool, a turquoise pool, a long pool
  | [extra=panels] solar panels, dark solar panels, some solar modules, rows of solar cells
xnear -> [extra=pool] is {near} | [extra=trees,buildings] are {near}, stand near
  | [extra=panels] can be seen near | [place=around] surround*3
"""
# every choice of at most three of these, in this order, is a "where"; one or two are usual
DETAILS = {"{arranged}": "arrangement=!single", "{on}": "ground=!", "{beside}": "side=!none", "{with}": "extra=!none"}

Production = tuple[str, dict[str, str], int]  # text with {slots}, attribute -> allowed values, weight


def _allowed(attribute: str, claimed: str) -> str:
    names = claimed.strip("!").replace("-", " ").split(",")
    if ".." in claimed:
        first, last = claimed.split("..")
        names = VALUES[attribute][int(first) - 1 : int(last)]
    elif claimed.startswith("!"):
        names = [name for name in VALUES[attribute] if name not in names]
    return ",".join(names)


def _productions(alternatives: str) -> list[Production]:
    productions = []
    for claimed, texts in re.findall(r"\s*(?:\[(.*?)\])?([^|]+)", alternatives):
        claims = {name: _allowed(name, values) for name, values in (claim.split("=") for claim in claimed.split())}
        parts = [text.strip().partition("*") for text in texts.split(",")]
        productions += [(text, claims, int(weight or 1)) for text, _, weight in parts]
    return productions


def _wheres() -> str:
    chosen = [names for number in range(4) for names in combinations(DETAILS, number)]
    claims = [" ".join(DETAILS[name] for name in names) for names in chosen]
    return "|".join(f"[{c}] {' '.join(names)}*{(2, 4, 4, 2)[len(names)]}" for c, names in zip(claims, chosen, strict=True))


def _nouns() -> str:
    nouns = []
    for kind, (names, _, _) in WORDS.items():
        for place, name in enumerate(names.split(", ")):
            one, _, many = name.partition("/")
            kinds, weight = "denseresidential,sparseresidential" if one in HOUSES else kind, 1 if place else 3
            nouns += [f"[kind={kinds} count=1] {one}*{weight}", f"[kind={kinds} count=2..10] {many or one + 's'}*{weight}"]
    return "|".join(nouns)


SLOTS = dict(rule.split(" -> ") for rule in re.split(r"\n(?=\w)", TEXTS.strip())) | {"where": _wheres(), "noun": _nouns()}
SLOTS |= {slot: "|".join(f"[kind={kind}] {words[place]}" for kind, words in WORDS.items())
          for place, slot in ((1, "site"), (2, "doing"))}  # fmt: skip
GRAMMAR: dict[str, list[Production]] = {slot: _productions(alternatives) for slot, alternatives in SLOTS.items()}
