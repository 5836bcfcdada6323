// Cards with two buttons each, all in a grid or one at a time. What a button or a key asks for goes to the kernel,
// which answers with what is to be shown.
const KEYS = {
  w: "wrong", r: "right", u: "undo",
  ArrowRight: "next", ArrowDown: "next", ArrowLeft: "previous", ArrowUp: "previous",
};

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.dataset.lmSuppressShortcuts = "true"; // in JupyterLab, r would make the cell a raw one
  made.addEventListener("click", act);
  return made;
}

function render({ model, el }) {
  const ask = (what, place = model.get("place")) => model.send({ what, place });
  const deck = document.createElement("div"), verdict = document.createElement("p"), places = [];
  verdict.className = "verdict";
  verdict.setAttribute("role", "status");
  deck.className = "rrsitr-deck";
  deck.tabIndex = 0;
  deck.dataset.lmSuppressShortcuts = "true";
  deck.setAttribute("role", "group");
  deck.addEventListener("keydown", event => {
    if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    ask(KEYS[event.key]);
  });

  function card(markup, place) {
    const box = document.createElement("div"), shown = document.createElement("div");
    const buttons = document.createElement("div");
    box.className = "card";
    shown.innerHTML = markup;
    for (const word of ["wrong", "right"]) {
      // the pressed one, pressed again, takes it back
      const made = button(word, () => ask(model.get("said")[place] === word ? "undecided" : word, place));
      made.dataset.word = word;
      buttons.append(made);
    }
    box.addEventListener("click", event => event.target.closest("button") || ask("at", place));
    box.append(shown, buttons);
    return box;
  }
  function mark() {
    const said = model.get("said"), at = model.get("place"), held = deck.contains(document.activeElement);
    deck.classList.toggle("single", model.get("single"));
    places.forEach((box, place) => {
      box.classList.toggle("here", place === at);
      if (place === at) box.setAttribute("aria-current", "true"); else box.removeAttribute("aria-current");
      for (const made of box.querySelectorAll("[data-word]")) {
        made.setAttribute("aria-pressed", made.dataset.word === said[place]);
      }
    });
    if (held && model.get("single")) deck.focus({ preventScroll: true }); // the pressed button is out of sight
    if (held) places[at]?.scrollIntoView({ block: "nearest" });
  }
  function fill() {
    const held = deck.contains(document.activeElement); // keys go on working when a page is turned
    const bar = document.createElement("p"), help = document.createElement("span");
    help.textContent = " Click a card; then w: wrong, r: right, arrows: next and previous, u: undo.";
    bar.append(button("Undo", () => ask("undo")), help);
    places.splice(0, places.length, ...model.get("cards").map(card));
    const cards = document.createElement("div");
    cards.className = "cards";
    cards.append(...places);
    deck.setAttribute("aria-label", help.textContent.trim());
    deck.replaceChildren(bar, verdict, cards);
    mark();
    if (held) deck.focus({ preventScroll: true });
  }
  function judge() {
    verdict.textContent = model.get("verdict");
    if (verdict.textContent && deck.contains(document.activeElement)) deck.scrollIntoView({ block: "start" });
  }
  model.on("change:cards", fill);
  model.on("change:verdict", judge);
  for (const name of ["said", "place", "single"]) model.on(`change:${name}`, mark);
  fill();
  judge();
  el.append(deck);
}
export default { render };
