"""The words of the built-in world: what can be true of a scene, and a grammar whose every text says what it claims."""

import re
from collections.abc import Iterator
from itertools import combinations

# kind: names of the object, the usual one first (of many: after a stroke, else with s); of the place; what objects do
KIND_WORDS = """
airport: plane, airplane, aircraft/aircraft, jet, airliner; an airport, an airfield, an aerodrome;
  parked, standing, waiting, resting, stopped
baseballfield: baseball diamond, baseball field, ball field; a ballpark, a baseball ground;
  laid out, located, lying, placed
beach: parasol, beach umbrella, sunshade; a beach, a seaside resort, a bathing beach; open, standing, placed, put up
bridge: bridge, footbridge, crossing; a river valley, a river landscape; built, located, visible, placed
denseresidential: house, home, dwelling, residence;
  a dense residential area, a crowded neighbourhood, a packed suburb; built, standing, crowded
desert: dune, sand dune, crescent dune; a desert, an arid region, a wasteland; lying, rising, located, seen
farmland: field, crop field, piece of farmland/pieces of farmland, farm plot;
  a farmland, an agricultural area, a farming region; lying, planted, cultivated, located
forest: forest tree, woodland tree; a forest, a dense forest, a wood, a woodland; growing, standing, spread
parking: car, vehicle, automobile; a parking lot, a car park, a parking area; parked, standing, stopped, left
pond: pond, lake, irregular pond; a wetland, a lake district, a pond landscape; lying, located, situated, spread
port: boat, ship, vessel, yacht; a port, a harbour, a marina; moored, docked, anchored, floating
railwaystation: train, passenger train, tram; a railway station, a train depot, a rail yard;
  waiting, standing, stopped, parked
roundabout: roundabout, traffic circle, rotary/rotaries; a road junction, an intersection; built, located, situated
sparseresidential: house, home, dwelling, cottage; a sparse residential area, a village, a hamlet, a rural settlement;
  built, standing, located, situated
stadium: running track, oval track, playground, stadium; an athletics ground, a sports complex;
  laid out, located, built, situated
storagetanks: storage tank, oil tank, round tank, cistern; a tank farm, an oil depot, a refinery;
  built, standing, arranged, located
tenniscourts: tennis court, court, tennis ground; a tennis club, a tennis centre; laid out, located, placed, lying
windfarm: wind turbine, windmill, turbine; a wind farm, a wind park; turning, standing, built, spinning
"""
# attribute: names of its values; ten stands for ten or more
OTHER_VALUES = """
ground: grass, sand, soil, concrete, snow, ploughed
line: none, road, dirt road, river, green river, railway, runway, coast
form: none, straight, curved
axis: none, vertical, horizontal
side: none, left, right, above, below, both, across
colour: white, red, blue, yellow, orange, green, black, brown, purple
count: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
arrangement: single, row, grid, scattered, circle, split
extra: none, trees, buildings, pool, panels
place: none, left, right, top, bottom, around
"""
# slot(attribute) -> [claims] text, text*weight | ...; a claim is value,value (of the slot's attribute) or
# attribute=value,value, with ! for all other values and - for a blank; without claims a text is true of every scene
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
are(count) -> [1] is | [!1] are
group -> {number} {colour} {noun}*6, {number} {noun}*2, {number} {size} {colour} {noun}
size(count) -> [1] big | [!1] similar
some(count) -> [1] a | [!1] some*2 | [3,4,5,6,7] several | [6,7,8,9,10] many | [2,3,4] a few
number(count) -> [1] a*4, one*2, a single*2, only one | [2] two*6, a pair of*2, a couple of | [3] three*7 | [4] four*7
  | [5] five*7 | [6] six*7, half a dozen | [7] seven*7 | [8] eight*7 | [9] nine*7 | [2,3,4] a few*2, less than five
  | [!1] some*2 | [3,4,5,6,7] several*3 | [!1,2,3] more than three | [6,7,8,9,10] many*3 | [7,8,9,10] lots of
  | [8,9,10] numerous | [10] a large number of*3, plenty of*2, countless*2
colour(colour) -> [white] white*2, bright, pale | [red] red*2, crimson, scarlet | [blue] blue*2, azure, navy
  | [yellow] yellow*2, golden | [orange] orange*2, amber | [green] green*2, emerald | [black] black*2, dark
  | [brown] brown*2, tan | [purple] purple*2, violet
arranged(arrangement) -> [row] in a row*2, in a straight line, side by side, lined up one after another
  | [grid] in a grid, in a regular pattern, in a neat grid | [grid,split] in neat rows, orderly in rows
  | [row,grid] neatly aligned
  | [scattered] scattered around, scattered irregularly, dispersed, randomly distributed, in disorder
  | [circle] in a circle, in a ring, arranged in a circle, forming a round shape
  | [split] in two separate groups, divided into two groups, split into two parts
on(kind) -> [!port,bridge] on {land}*4, amid {land} | [port,bridge] near {land}*2, close to {land}
land(ground) -> [grass] green grass, a meadow, a green lawn, grassland, lush turf
  | [sand] yellow sand, sandy ground, fine sand, a sandy plain | [soil] bare soil, brown earth, bareland, muddy ground
  | [concrete] grey concrete, cement ground, a concrete square, grey pavement
  | [snow] white snow, snowy ground, a snowfield, frozen land
  | [ploughed] ploughed land, striped ground, furrowed soil, tilled earth
beside(side) -> [!none,across] {near} {line}*5 | [left] {leftof} {line}*5 | [right] {rightof} {line}*5
  | [above] {above} {line}*5 | [below] {below} {line}*5 | [both] {both} {line}*8
  | [kind=bridge] over {line}*3, across {line}*2 | [kind=roundabout] on {line}*3
near -> beside*2, near*2, next to*2, close to, by, along
leftof -> to the left of*3, on the left side of, left of, west of
rightof -> to the right of*3, on the right side of, right of, east of
above -> above*3, north of*2, on the upper side of
below -> below*3, south of*2, on the lower side of
both -> on both sides of*3, in two sides of, on either side of
line(line) -> [!none,coast] a {trait} {way}*2, a {way}*3 | [!none,coast kind=!roundabout] a {way} {course}
  | [coast] the {trait} {shore}, the {shore}*5, the {shore} {course}
trait(form) -> [curved] curved, winding, bending | [straight] straight*2, long straight
course(axis) -> [vertical] from top to bottom, running vertically
  | [horizontal] from left to right, running horizontally
way(line) -> [road] road, grey road, paved road, highway, street, asphalt road
  | [dirt-road] dirt road, unpaved road, gravel path, country lane | [road,dirt-road] road
  | [river] river, blue river, blue stream | [green-river] green river, dark green river
  | [river,green-river] river, stream | [railway] railway, railroad, rail track
  | [runway] runway, airstrip, landing strip
shore(line) -> [coast] coast, shoreline, seashore, coastline
with(place) -> [extra=!none] with {extra} nearby*2, and {extra} | [!none,around] with {extra} {at}*4
  | [!none,around side=left,right,above,below] opposite {extra}, with {extra} on the other side*2
  | [around] surrounded by {extra}*3, with {extra} all around*3, enclosed by {extra}*3
at(place) -> [left] on the left*2, at the left edge, in the west
  | [right] on the right*2, at the right edge, in the east | [top] at the top*2, along the upper edge, in the north
  | [bottom] at the bottom*2, along the lower edge, in the south
extra(extra) -> [trees] some trees, green trees, some green trees, many plants, leafy trees
  | [buildings] some buildings, grey buildings, three halls, several warehouses, flat roofed buildings
  | [pool] a swimming pool, a turquoise pool, a long pool
  | [panels] solar panels, dark solar panels, some solar modules, rows of solar cells
xnear(extra) -> [pool] is {near} | [trees,buildings] are {near}, stand near | [panels] can be seen near
  | [place=around] surround*3
"""
# every choice of at most three of these, in this order, is a "where"; one or two are usual
DETAILS = {"{arranged}": "arrangement=!single", "{on}": "ground=!", "{beside}": "side=!none", "{with}": "extra=!none"}

Production = tuple[str, list[tuple[int, int]], int]  # text with {slots}, (column, a bit for each allowed value), weight


def _table(text: str) -> dict[str, str]:
    return dict(row.split(": ") for row in re.split(r"\n(?=\w)", text.strip()))


WORDS = {kind: re.split(r";\s+", words) for kind, words in _table(KIND_WORDS).items()}
VALUES = {"kind": tuple(WORDS)} | {name: tuple(values.split(", ")) for name, values in _table(OTHER_VALUES).items()}
ATTRIBUTES = tuple(VALUES)  # a fact is a position in the tuple of its attribute


def _claim(attribute: str, said: str) -> tuple[int, int]:
    values = VALUES[attribute]
    bits = sum(1 << values.index(name) for name in said.strip("!").replace("-", " ").split(",") if name)
    return ATTRIBUTES.index(attribute), (1 << len(values)) - 1 - bits if said[0] == "!" else bits


def _productions(attribute: str, alternatives: str) -> list[Production]:
    productions = []
    for claimed, texts in re.findall(r"\s*(?:\[(.*?)\])?([^|]+)", alternatives):
        named = (claim.rpartition("=") for claim in claimed.split())
        claims = [_claim(name or attribute, said) for name, _, said in named]
        parts = [text.strip().partition("*") for text in texts.split(",")]
        productions += [(text, claims, int(weight or 1)) for text, _, weight in parts]
    return productions


def _nouns() -> Iterator[str]:
    for names, _, _ in WORDS.values():
        for place, name in enumerate(names.split(", ")):
            kinds = ",".join(kind for kind, words in WORDS.items() if name in words[0].split(", "))
            one, _, many = name.partition("/")
            weight = 1 if place else 3
            yield f"[{kinds} count=1] {one}*{weight} | [{kinds} count=!1] {many or one + 's'}*{weight}"


RULES = {slot: rule for slot, *rule in re.findall(r"(\w+)(?:\((\w+)\))? -> ((?:.|\n )+)", TEXTS)}
RULES |= {"noun": ["kind", "|".join(_nouns())]} | {
    slot: ["kind", "|".join(f"[{kind}] {words[column]}" for kind, words in WORDS.items())]
    for column, slot in ((1, "site"), (2, "doing"))
}
RULES["where"] = ["", "|".join(f"[{' '.join(DETAILS[name] for name in names)}] {' '.join(names)}*{weight}"
                               for number, weight in enumerate((2, 4, 4, 2))
                               for names in combinations(DETAILS, number))]  # fmt: skip
GRAMMAR: dict[str, list[Production]] = {slot: _productions(*rule) for slot, rule in RULES.items()}
