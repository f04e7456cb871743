// A code as a strip of buttons: a click flips a bit, mutes it, or chooses it.

const ROW = 32 // bits a line
const boards = new WeakMap() // root -> its changes, which may be ahead of the server's

function words(data, bit) {
  const name = data.names[bit] ? ` · ${data.names[bit]}` : ""
  const value = data.bits[bit - 1]
  if (data.muted.includes(bit)) return `Bit ${bit}${name}: muted`
  if (data.flipped.includes(bit)) return `Bit ${bit}${name}: ${value} flipped to ${1 - value}`
  return `Bit ${bit}${name}: ${value}`
}

function cell(data, bit) {
  const button = document.createElement("button")
  const isFlipped = data.flipped.includes(bit)
  const isOne = (data.bits[bit - 1] === "1") !== isFlipped
  button.type = "button"
  button.dataset.bit = bit
  button.className = isOne ? "one" : "zero"
  button.classList.toggle("flipped", isFlipped)
  button.classList.toggle("muted", data.muted.includes(bit))
  button.classList.toggle("chosen", data.chosen === bit)
  button.setAttribute("aria-pressed", String(isFlipped || data.muted.includes(bit) || data.chosen === bit))
  button.setAttribute("aria-label", words(data, bit))
  button.dataset.tip = words(data, bit)
  return button
}

function draw(root, data) {
  const focused = root.getRootNode().activeElement?.dataset?.bit
  const lines = []
  for (let from = 0; from < data.bits.length; from += ROW) {
    const line = document.createElement("div")
    line.className = "line"
    const number = document.createElement("span")
    number.textContent = from + 1
    line.append(number)
    for (let bit = from + 1; bit <= Math.min(from + ROW, data.bits.length); bit++) {
      line.append(cell(data, bit))
    }
    lines.push(line)
  }
  root.replaceChildren(...lines)
  if (focused) root.querySelector(`[data-bit="${focused}"]`)?.focus()
}

const toggled = (bits, bit) =>
  bits.includes(bit) ? bits.filter((one) => one !== bit) : [...bits, bit].sort((a, b) => a - b)

function change(data, bit) {
  if (data.action === "choose") return { ...data, chosen: bit }
  const [turned, other] = data.action === "flip" ? ["flipped", "muted"] : ["muted", "flipped"]
  return {
    ...data,
    [turned]: toggled(data[turned], bit),
    [other]: data[other].filter((one) => one !== bit),
  }
}

function moveFocus(root, event) {
  const buttons = [...root.querySelectorAll("button")]
  const at = buttons.indexOf(event.target.closest("button"))
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: ROW, ArrowUp: -ROW }[event.key]
  if (at < 0 || !step || !buttons[at + step]) return
  event.preventDefault()
  buttons[at + step].focus()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".board")
  root.setAttribute("aria-label", data.label)
  const known = boards.get(root)
  const isBehind = known && known.code === data.bits && known.clicks > data.clicks
  const shown = isBehind ? { ...data, ...known.changes } : data
  boards.set(root, {
    code: data.bits,
    clicks: Math.max(data.clicks, isBehind ? known.clicks : 0),
    changes: { flipped: shown.flipped, muted: shown.muted, chosen: shown.chosen },
  })
  draw(root, shown)
  root.onclick = (event) => {
    const bit = Number(event.target.closest("button")?.dataset.bit)
    if (!bit) return
    const now = boards.get(root)
    const { flipped, muted, chosen } = change({ ...data, ...now.changes }, bit)
    const clicks = now.clicks + 1
    boards.set(root, { ...now, clicks, changes: { flipped, muted, chosen } })
    draw(root, { ...data, flipped, muted, chosen })
    setTriggerValue("changed", { flipped, muted, chosen, clicks })
  }
  root.onkeydown = (event) => moveFocus(root, event)
}
