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

function update(button, data) {
  const bit = Number(button.dataset.bit)
  const isFlipped = data.flipped.includes(bit)
  const isMuted = data.muted.includes(bit)
  const isChosen = data.chosen === bit
  const isOne = (data.bits[bit - 1] === "1") !== isFlipped
  button.className = isOne ? "one" : "zero"
  button.classList.toggle("flipped", isFlipped)
  button.classList.toggle("muted", isMuted)
  button.classList.toggle("chosen", isChosen)
  button.setAttribute("aria-pressed", String(isFlipped || isMuted || isChosen))
  button.setAttribute("aria-label", words(data, bit))
  button.dataset.tip = words(data, bit)
}

function line(from, n) {
  const node = document.createElement("div")
  const number = document.createElement("span")
  node.className = "line"
  number.textContent = from + 1
  node.append(number)
  for (let bit = from + 1; bit <= Math.min(from + ROW, n); bit++) {
    const button = document.createElement("button")
    button.type = "button"
    button.dataset.bit = bit
    node.append(button)
  }
  return node
}

// Buttons stay while there are as many bits, so that the keyboard stays where it is.
function draw(root, data) {
  const n = data.bits.length
  if (root.querySelectorAll("button").length !== n) {
    const starts = [...Array(Math.ceil(n / ROW)).keys()]
    root.replaceChildren(...starts.map((row) => line(row * ROW, n)))
  }
  for (const button of root.querySelectorAll("button")) update(button, data)
}

const toggled = (bits, bit) =>
  bits.includes(bit) ? bits.filter((one) => one !== bit) : [...bits, bit].sort((a, b) => a - b)

function change(data, bit, action) {
  if (action === "choose") return { ...data, chosen: bit }
  const [turned, other] = action === "flip" ? ["flipped", "muted"] : ["muted", "flipped"]
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

// Here and not on the server, so that the first click after a change already counts.
function drawActions(root, actions) {
  const bar = root.parentElement.querySelector(".actions")
  bar.hidden = actions.length < 2
  if (!actions.includes(root.dataset.action)) root.dataset.action = actions[0]
  const words = { flip: "Click flips", mute: "Click mutes", choose: "Click chooses" }
  bar.replaceChildren(
    ...actions.map((action) => {
      const button = document.createElement("button")
      button.type = "button"
      button.textContent = words[action]
      button.setAttribute("aria-pressed", String(root.dataset.action === action))
      button.onclick = () => {
        root.dataset.action = action
        for (const one of bar.children) one.setAttribute("aria-pressed", String(one === button))
      }
      return button
    }),
  )
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".board")
  if (root.dataset.actions !== String(data.actions)) drawActions(root, data.actions)
  root.dataset.actions = data.actions
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
    const { flipped, muted, chosen } = change({ ...data, ...now.changes }, bit, root.dataset.action)
    const clicks = now.clicks + 1
    boards.set(root, { ...now, clicks, changes: { flipped, muted, chosen } })
    draw(root, { ...data, flipped, muted, chosen })
    setTriggerValue("changed", { flipped, muted, chosen, clicks })
  }
  root.onkeydown = (event) => moveFocus(root, event)
}
