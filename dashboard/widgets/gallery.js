// Draws groups of image buttons and reports the one that is picked.
// Text reaches the page through textContent and attributes only, never as markup.

const SVG = "http://www.w3.org/2000/svg"
const SHAPES = {
  yes: "M4.6 8.4l2.3 2.3 4.6-5.2",
  no: "M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6",
  unknown: "M6.2 6.3a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.7-.8 1.3M8 11.4v.1",
}
const sent = new WeakMap() // root -> choices sent to the server, and the last that it answered with
const drawn = new WeakMap() // root -> what it shows, so that a rerun with equal data changes nothing

function element(tag, className, text) {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

function mark(kind) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 16 16")
  svg.setAttribute("class", kind)
  svg.setAttribute("aria-hidden", "true")
  const disc = document.createElementNS(SVG, "circle")
  for (const [name, value] of [["cx", 8], ["cy", 8], ["r", 7.5]]) disc.setAttribute(name, value)
  const shape = document.createElementNS(SVG, "path")
  shape.setAttribute("d", SHAPES[kind])
  svg.append(disc, shape)
  return svg
}

function magnifier() {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 16 16")
  const path = document.createElementNS(SVG, "path")
  path.setAttribute("d", "M11 7a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM10 10l3.5 3.5")
  svg.append(path)
  return svg
}

// For pointers alone, inside the button: what the button opens has the same for the keyboard.
function shortcut() {
  const node = element("span", "query")
  node.title = "Search with this"
  node.append(magnifier())
  return node
}

function tile(item, still, searches) {
  const button = element(still ? "figure" : "button")
  button.title = item.caption
  button.setAttribute("aria-label", item.name)
  if (!still) {
    button.type = "button"
    button.dataset.id = item.id
    button.setAttribute("aria-pressed", "false")
  }
  const image = element("img")
  image.alt = ""
  image.loading = "lazy"
  image.decoding = "async"
  image.onerror = () => image.classList.add("missing")
  image.src = item.src
  button.append(image)
  if (item.fact) {
    const facts = element("div", "facts")
    if (item.mark) facts.append(mark(item.mark))
    facts.append(element("span", "", item.fact))
    button.append(facts)
  }
  button.append(element("div", "caption", item.short))
  if (searches) button.append(shortcut())
  return button
}

function section(group, still, searches) {
  const node = element("section")
  if (group.heading) {
    const heading = element("h3", "", group.heading)
    heading.append(element("small", "", group.note))
    node.append(heading)
  }
  const tiles = element("div", "tiles")
  tiles.append(...group.items.map((item) => tile(item, still, searches)))
  node.append(tiles)
  return node
}

function press(root, ids) {
  for (const button of root.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(ids.includes(button.dataset.id)))
  }
}

function turnOver(button) {
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"))
}

function pressedIds(root) {
  return [...root.querySelectorAll("button[aria-pressed=true]")].map((button) => button.dataset.id)
}

// What is chosen: clicks may be ahead of the server, whose answer to an earlier one changes nothing.
function pressSeveral(root, ids) {
  const known = sent.get(root) ?? { answered: null, waiting: [] }
  const shown = new Set([...root.querySelectorAll("button")].map((button) => button.dataset.id))
  const state = JSON.stringify(ids.filter((id) => shown.has(id)).sort())
  const at = known.waiting.indexOf(state)
  if (at < 0 && state !== known.answered) press(root, ids)
  const waiting = at < 0 && state !== known.answered ? [] : known.waiting.slice(at + 1)
  sent.set(root, { answered: state, waiting })
}

function chooseAlso(root, button) {
  turnOver(button)
  const ids = pressedIds(root)
  sent.get(root).waiting.push(JSON.stringify([...ids].sort()))
  return ids
}

function moveFocus(root, event) {
  const buttons = [...root.querySelectorAll("button")]
  const at = buttons.indexOf(event.target.closest("button"))
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key]
  if (at < 0 || to === undefined || !buttons[to]) return
  event.preventDefault()
  buttons[to].focus()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery")
  root.className = `gallery ${data.layout}`
  root.setAttribute("aria-label", data.label)
  root.style.setProperty("--tile", `${data.tile}px`)
  root.style.setProperty("--most", data.tile > 160 ? "45%" : "30%") // two or three columns on a phone
  const content = JSON.stringify(data.groups)
  if (drawn.get(root) !== content) {
    root.replaceChildren(...data.groups.map((group) => section(group, data.still, data.searches)))
    drawn.set(root, content)
    sent.delete(root)
  }
  if (data.several) pressSeveral(root, data.pressed)
  else {
    sent.delete(root)
    if (data.pressed !== null) press(root, data.pressed)
  }
  if (data.focus !== null) {
    root.querySelector(`[data-id="${CSS.escape(data.focus)}"]`)?.focus({ preventScroll: true })
  }
  root.onclick = (event) => {
    const button = event.target.closest("button")
    if (!button) return
    if (event.target.closest(".query")) return setTriggerValue("searched", button.dataset.id)
    if (!data.several) {
      press(root, [button.dataset.id])
      return setTriggerValue("picked", button.dataset.id)
    }
    setTriggerValue("picked", chooseAlso(root, button)) // all of them: a click may overtake another
  }
  root.onkeydown = (event) => moveFocus(root, event)
}
