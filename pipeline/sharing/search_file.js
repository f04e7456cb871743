"use strict"
// Search by Hamming distance among the codes in this page. Every text goes in as text.

const data = JSON.parse(document.getElementById("data").textContent)
const n = data.ids.length
const STEP = 24 // results, and choices by the hundred
const MOST = 240
const CHOICES = 60
const FEW_HEADINGS = 1 / 6 // of the pictures that have one
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length)
const PART_NAMES = {
  train: "train",
  database: "database, not trained on",
  query: "query",
  unlabelled: "without a label",
  other: "in no part",
  added: "added later",
}
const at = (id) => document.getElementById(id)
const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))
const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || []
const count = (number, noun) =>
  `${number.toLocaleString("en")} ${number === 1 ? noun : noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`}`

const runs = data.runs.map((run) => ({
  ...run,
  codes: bytesOf(run.codes),
  nearest: new Uint16Array(bytesOf(run.nearest).buffer),
  width: Math.ceil(run.bits / 8),
}))
const labelSets = data.labels.map((labels) => new Set(labels))
const haystacks = data.ids.map((id, place) =>
  [id, data.texts[place], ...data.labels[place].map((label) => data.classes[label])].join(" ").toLowerCase(),
)
const words = haystacks.map((text) => new Set(wordsOf(text)))
const state = { query: 0, flipped: runs.map(() => new Set()), limit: STEP, choices: CHOICES }

// ---- what is searched ----

function codeOf(run, place, flipped) {
  const code = run.codes.slice(place * run.width, (place + 1) * run.width)
  for (const bit of flipped) code[bit >> 3] ^= 128 >> (bit & 7)
  return code
}

function distancesTo(run, code) {
  const distances = new Uint16Array(n)
  for (let place = 0, from = 0; place < n; place++) {
    let distance = 0
    for (let byte = 0; byte < run.width; byte++, from++) distance += ONES[run.codes[from] ^ code[byte]]
    distances[place] = distance
  }
  return distances
}

function filters() {
  const number = (id) => (at(id).value === "" ? null : Number(at(id).value))
  return { label: number("label"), part: number("part"), within: number("within"), words: wordsOf(at("words").value) }
}

function passes(place, wanted) {
  return (
    place !== state.query &&
    (wanted.label === null || labelSets[place].has(wanted.label)) &&
    (wanted.part === null || data.part[place] === wanted.part) &&
    wanted.words.every((word) => words[place].has(word))
  )
}

// First results of the query as the app sorts them, by features where they are equally near; of a
// code with flipped bits there are none.
function listed(run, flipped) {
  const depth = run.nearest.length / n
  if (flipped.size) return []
  return run.nearest.slice(state.query * depth, (state.query + 1) * depth)
}

// The nearest images, by distance, equally near ones by features as far as they are listed and then
// by id; and how many lie at each distance.
function search(run, flipped, wanted, limit) {
  const distances = distancesTo(run, codeOf(run, state.query, flipped))
  const largest = wanted.within === null ? run.bits : wanted.within
  const byDistance = Array.from({ length: largest + 1 }, () => new Set())
  const first = listed(run, flipped)
  let n_found = 0
  for (const place of first) {
    if (distances[place] <= largest && passes(place, wanted)) byDistance[distances[place]].add(place)
  }
  const n_listed = byDistance.map((places) => places.size)
  for (let place = 0; place < n; place++) {
    if (distances[place] <= largest && passes(place, wanted)) {
      byDistance[distances[place]].add(place)
      n_found++
    }
  }
  const groups = []
  let left = limit
  for (let distance = 0; distance <= largest && left > 0; distance++) {
    const total = byDistance[distance].size
    if (!total) continue
    const shown = [...byDistance[distance]].slice(0, left)
    groups.push({ distance, shown, total, isSorted: total < 2 || shown.length <= n_listed[distance] })
    left -= shown.length
  }
  return { groups, n_found, n_shown: limit - left }
}

function isRelevant(place) {
  const [mine, theirs] = [labelSets[state.query], labelSets[place]]
  if (!mine.size || !theirs.size) return null
  return [...mine].some((label) => theirs.has(label))
}

// ---- what is drawn ----

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value
    else if (name.startsWith("on")) node[name] = value
    else node.setAttribute(name, value)
  }
  node.append(...children)
  return node
}

function picture(place, description) {
  if (data.pictures) {
    const source = `data:image/webp;base64,${data.pictures[place]}`
    return element("img", { class: "picture", src: source, alt: description, decoding: "async" })
  }
  const across = data.across
  const [sheet, cell] = [Math.floor(place / across ** 2), place % across ** 2]
  const node = element("span", { class: "picture", role: "img", "aria-label": description })
  node.style.backgroundImage = `url("sheets/${sheet}.webp")`
  node.style.backgroundSize = `${across * 100}%`
  const share = (step) => `${(100 * step) / (across - 1)}%`
  node.style.backgroundPosition = `${share(cell % across)} ${share(Math.floor(cell / across))}`
  return node
}

const nameOf = (place) => data.texts[place] || data.ids[place]
const labelsOf = (place) => data.labels[place].map((label) => data.classes[label]).join(", ")

function tile(place, distance) {
  const caption = element("span", { class: "caption" })
  const told = [nameOf(place)]
  if (distance !== undefined) {
    caption.append(element("b", {}, String(distance)))
    told.push(`distance ${distance}`)
    const relevant = isRelevant(place)
    if (relevant !== null) {
      const mark = element("span", { class: relevant ? "yes" : "no" }, relevant ? " ✓" : " ✗")
      caption.append(mark)
      told.push(relevant ? "shares a label" : "shares no label")
    }
  }
  caption.append(element("span", { class: "name" }, data.texts[place] || labelsOf(place) || nameOf(place)))
  const button = element(
    "button",
    { type: "button", title: [nameOf(place), labelsOf(place)].filter(Boolean).join(" · "), "aria-label": told.join(", ") },
    picture(place, ""),
    caption,
  )
  button.dataset.place = place
  button.dataset.id = data.ids[place]
  if (distance !== undefined) button.dataset.distance = distance
  return button
}

function drawQuery() {
  const place = state.query
  at("query-picture").replaceChildren(picture(place, nameOf(place)))
  at("query-name").textContent = nameOf(place)
  at("query-labels").textContent = labelsOf(place) || (data.classes.length ? "no label" : "")
  at("query-part").textContent = `${data.ids[place]} · split: ${PART_NAMES[data.parts[data.part[place]]]}`
  document.querySelectorAll("#codes .code").forEach((node, number) => drawCode(node, number))
}

function drawCode(node, number) {
  const run = runs[number]
  const flipped = state.flipped[number]
  const stored = codeOf(run, state.query, [])
  node.querySelectorAll(".bits button").forEach((button, bit) => {
    const value = (stored[bit >> 3] >> (7 - (bit & 7))) & 1
    const isFlipped = flipped.has(bit)
    const isOne = Boolean(value) !== isFlipped
    button.className = `${isOne ? "one" : "zero"}${isFlipped ? " flipped" : ""}`
    button.setAttribute("aria-pressed", String(isFlipped))
    const words = `Bit ${bit + 1}: ${isFlipped ? `${value}, flipped to ${1 - value}` : value}`
    button.setAttribute("aria-label", words)
    button.title = words
  })
  const reset = node.querySelector(".link")
  reset.hidden = !flipped.size
  reset.textContent = `Undo ${count(flipped.size, "flip")}`
}

function buildCode(run, number) {
  const bits = element("div", { class: `bits${run.bits > 64 ? " many" : ""}`, role: "group", "aria-label": `Code, ${run.label}` })
  for (let bit = 0; bit < run.bits; bit++) {
    bits.append(element("button", { type: "button", onclick: () => flip(number, bit) }))
  }
  bits.onkeydown = moveInBits
  const reset = element("button", { type: "button", class: "link", onclick: () => unflip([number]) })
  const heading = runs.length > 1 ? run.label : `Code: ${run.bits} bits`
  return element(
    "div",
    { class: "code" },
    element("div", { class: "code-head" }, element("b", {}, heading), reset),
    element("p", { class: "faint" }, "Filled is 1. Click a bit to flip it."),
    bits,
  )
}

function moveInBits(event) {
  const buttons = [...event.currentTarget.children]
  const across = getComputedStyle(event.currentTarget).gridTemplateColumns.split(" ").length
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key]
  if (!step) return
  event.preventDefault()
  event.stopPropagation()
  buttons[buttons.indexOf(event.target) + step]?.focus()
}

// What is not to be read out of the order of equally near images.
function tieWords(found) {
  const last = found.groups.at(-1)
  const words = []
  if (last && last.shown.length < last.total) {
    const many = `${last.total.toLocaleString("en")} images are equally near at distance ${last.distance}`
    words.push(`${many}; ${last.shown.length.toLocaleString("en")} of them are shown.`)
  }
  const unsorted = found.groups.find((group) => !group.isSorted)
  if (!unsorted) words.push("Equally near images are sorted by the likeness of their features.")
  else if (found.groups[0] === unsorted) words.push("Equally near images are in the order of their ids.")
  else words.push(`From distance ${unsorted.distance} on, equally near images are partly in the order of their ids.`)
  return words.join(" ")
}

function drawFound(run, number) {
  const wanted = filters()
  const found = search(run, state.flipped[number], wanted, state.limit)
  const places = found.groups.flatMap((group) => group.shown)
  const distances = found.groups.map((group) => group.distance)
  const column = element("div", { class: "run" })
  if (runs.length > 1) column.append(element("h3", {}, run.label))
  if (!places.length) return [nothing(column, wanted), 0]
  const range = distances.length > 1 ? `${distances[0]} to ${distances.at(-1)}` : distances[0]
  const known = places.slice(0, 10).map(isRelevant).filter((one) => one !== null)
  const good = known.filter(Boolean).length
  const what = wanted.within === null ? `${places.length.toLocaleString("en")} nearest of ` : `${places.length.toLocaleString("en")} of `
  const words = `${what}${count(found.n_found, "image")}, ${range} of ${run.bits} bits differ`
  const precision = known.length ? ` · ${good} of the first ${known.length} share a label` : ""
  column.append(element("p", { class: "summary" }, element("b", {}, words), precision))
  drawGroups(column, found.groups, places.length)
  column.append(element("p", { class: "cut faint" }, tieWords(found)))
  return [column, found.n_found - found.n_shown]
}

function drawGroups(column, groups, n_shown) {
  const hasHeadings = groups.length <= Math.max(1, FEW_HEADINGS * n_shown)
  if (!hasHeadings) {
    const tiles = groups.flatMap((group) => group.shown.map((place) => tile(place, group.distance)))
    column.append(element("div", { class: "tiles" }, ...tiles))
    return
  }
  for (const group of groups) {
    const of = group.shown.length < group.total ? `${group.shown.length} of ` : ""
    const tie = group.total > 1 ? ", equally near" : ""
    column.append(
      element("p", { class: "group" }, element("b", {}, `Distance ${group.distance}`), `${of}${count(group.total, "image")}${tie}`),
      element("div", { class: "tiles" }, ...group.shown.map((place) => tile(place, group.distance))),
    )
  }
}

function nothing(column, wanted) {
  const isFar = wanted.within !== null && search(runs[0], new Set(), { ...wanted, within: null }, 1).n_shown
  const why = isFar ? `No image within ${count(wanted.within, "bit")}.` : "No image passes all filters."
  column.append(element("p", { class: "nothing" }, why))
  return column
}

function drawResults() {
  const drawn = runs.map(drawFound)
  at("results").replaceChildren(...drawn.map(([column]) => column))
  const more = Math.max(...drawn.map(([, left]) => left))
  at("clear").hidden = !["label", "part", "within", "words"].some((id) => at(id).value)
  if (more > 0 && state.limit < MOST) {
    const button = element("button", { type: "button", id: "more", onclick: showMore }, "Show more")
    at("results").firstElementChild.append(element("p", { class: "middle" }, button))
  }
  at("said").textContent = `Results for ${nameOf(state.query)}: ${at("results").querySelectorAll(".tiles button").length} images`
}

function drawChoices() {
  const wanted = at("find").value.trim().toLowerCase().split(/\s+/).filter(Boolean)
  const found = []
  for (let place = 0; place < n; place++) {
    if (wanted.every((word) => haystacks[place].includes(word))) found.push(place)
  }
  at("picked").textContent = wanted.length ? `${count(found.length, "image")} found` : count(n, "image")
  at("choices").replaceChildren(...found.slice(0, state.choices).map((place) => tile(place)))
  at("more-choices").hidden = found.length <= state.choices
}

// ---- what people do ----

function flip(number, bit) {
  const flipped = state.flipped[number]
  if (!flipped.delete(bit)) flipped.add(bit)
  drawQuery()
  drawResults()
}

function unflip(numbers) {
  for (const number of numbers) state.flipped[number].clear()
  drawQuery()
  drawResults()
}

function showMore() {
  const before = at("results").querySelectorAll(".tiles button").length
  state.limit = Math.min(MOST, state.limit + STEP)
  drawResults()
  at("results").querySelectorAll(".tiles button")[Math.min(before, state.limit - STEP)]?.focus()
}

const choose = (place) => {
  location.hash = `image=${(place + n) % n}`
}
const chooseRandom = () => choose(Math.floor(Math.random() * n))

function openPicker() {
  at("find").value = ""
  state.choices = CHOICES
  drawChoices()
  at("picker").showModal()
}

// The address keeps the query, so that "back" goes to the one before.
function follow(isFirst) {
  const asked = Number(/^#image=(\d+)$/.exec(location.hash)?.[1])
  const first = Math.max(0, data.part.indexOf(data.parts.indexOf("query")))
  state.query = Number.isInteger(asked) && asked < n ? asked : first
  state.limit = STEP
  for (const flipped of state.flipped) flipped.clear()
  drawQuery()
  drawResults()
  if (isFirst) return
  at("query-name").focus({ preventScroll: true })
  if (at("query").getBoundingClientRect().top < 0) at("query").scrollIntoView()
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || at("picker").open) return
  if (event.target.closest("input, select, summary")) return
  const actions = {
    ArrowRight: () => choose(state.query + 1),
    ArrowLeft: () => choose(state.query - 1),
    r: chooseRandom,
    "/": openPicker,
    0: () => unflip(runs.keys()),
  }
  const action = actions[event.key]
  if (!action) return
  event.preventDefault()
  action()
}

function fill(id, pairs) {
  at(id).append(...pairs.map(([value, words]) => element("option", { value }, words)))
}

function begin() {
  at("codes").append(...runs.map(buildCode))
  at("codes").open = matchMedia("(min-width: 48rem)").matches // a phone shows results first
  at("results").className = runs.length > 1 ? "two" : ""
  const used = new Set(data.labels.flat())
  const classes = data.classes.map((name, label) => [label, name]).filter(([label]) => used.has(label))
  fill("label", classes.sort((one, other) => one[1].localeCompare(other[1])))
  at("label-field").hidden = !classes.length
  const parts = new Set(data.part)
  fill("part", data.parts.map((name, part) => [part, PART_NAMES[name]]).filter(([part]) => parts.has(part)))
  const most = Math.min(...runs.map((run) => run.bits))
  fill("within", Array.from({ length: Math.min(most, 17) }, (_, bits) => [bits, count(bits, "bit")]))
  for (const id of ["label", "part", "within", "words"]) {
    at(id).oninput = () => {
      state.limit = STEP
      drawResults()
    }
  }
  at("filters").onsubmit = (event) => event.preventDefault()
  at("clear").onclick = () => {
    at("filters").reset()
    drawResults()
    at("label").focus()
  }
  for (const id of ["results", "choices"]) {
    at(id).onclick = (event) => {
      const chosen = event.target.closest("button[data-place]")
      if (!chosen) return
      at("picker").close()
      choose(Number(chosen.dataset.place))
    }
  }
  at("choose").onclick = openPicker
  at("random").onclick = chooseRandom
  at("close").onclick = () => at("picker").close()
  at("find").oninput = () => {
    state.choices = CHOICES
    drawChoices()
  }
  at("more-choices").onclick = () => {
    state.choices += CHOICES
    drawChoices()
  }
  addEventListener("hashchange", () => follow(false))
  addEventListener("keydown", onKey)
  follow(true)
}

begin()
