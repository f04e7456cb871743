// Draws pictures at the places of their codes on a canvas: pan, zoom, lasso, pick.
// Text reaches the page through textContent only, never as markup.

const PAD = 30 // pixels around the map
const MOVED = 4 // pixels that make a press a drag
const STEP = 1.4 // of one zoom
const maps = new WeakMap() // root -> its map, which stays when the page runs again

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1])

function isInside([x, y], polygon) {
  let inside = false
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i]
    const [xj, yj] = polygon[j]
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside
  }
  return inside
}

class CodeMap {
  constructor(root) {
    this.root = root
    this.canvas = root.querySelector("canvas")
    this.tip = root.querySelector(".tip")
    this.said = root.querySelector(".said")
    this.lassoButton = root.querySelector("[data-do=lasso]")
    this.images = new Map()
    this.fit()
    this.watch()
  }

  show(data, report) {
    this.data = data
    this.report = report
    this.canvas.setAttribute("aria-label", data.label)
    this.root.style.setProperty("--height", `${data.height}px`)
    this.near = data.query ? new Set(data.query.near) : null
    this.paint()
  }

  watch() {
    new ResizeObserver(() => this.resize()).observe(this.root)
    const canvas = this.canvas
    canvas.onpointerdown = (event) => this.press(event)
    canvas.onpointermove = (event) => this.move(event)
    canvas.onpointerup = (event) => this.release(event)
    canvas.onpointercancel = () => this.let()
    canvas.onpointerleave = () => this.point(-1)
    canvas.onkeydown = (event) => this.key(event)
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
    for (const button of this.root.querySelectorAll("button")) {
      button.onclick = () => this.act(button.dataset.do)
    }
  }

  // What the buttons and keys do.

  act(what) {
    const middle = [this.width / 2, this.height / 2]
    if (what === "in") this.zoom(STEP, middle)
    if (what === "out") this.zoom(1 / STEP, middle)
    if (what === "fit") this.fit()
    if (what === "lasso") this.setLasso(!this.isLasso)
    this.paint()
  }

  key(event) {
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
    const acts = { "+": "in", "=": "in", "-": "out", 0: "fit" }
    if (ways[event.key]) this.step(ways[event.key])
    else if (acts[event.key]) this.act(acts[event.key])
    else if (event.key === "Escape") this.setLasso(false)
    else if ((event.key === "Enter" || event.key === " ") && this.current >= 0) {
      this.report("picked", this.current)
    } else return
    event.preventDefault()
  }

  // To the nearest picture in a direction.
  step([dx, dy]) {
    const points = this.data.points.map((point) => this.at(point))
    const from = points[this.current] ?? points[0]
    let best = this.current < 0 ? 0 : this.current
    let least = Infinity
    points.forEach(([x, y], number) => {
      const ahead = (x - from[0]) * dx + (y - from[1]) * dy
      const aside = Math.abs((x - from[0]) * dy + (y - from[1]) * dx)
      const cost = ahead + 2 * aside
      if (number !== this.current && ahead > 0 && cost < least) [best, least] = [number, cost]
    })
    this.point(best)
    this.said.textContent = this.words(this.data.points[best])
  }

  setLasso(isOn) {
    this.isLasso = isOn
    this.lassoButton.setAttribute("aria-pressed", String(isOn))
    this.canvas.classList.toggle("lasso", isOn)
  }

  // Pointer.

  press(event) {
    this.canvas.setPointerCapture(event.pointerId)
    this.drag = { from: this.place(event), isLasso: this.isLasso || event.shiftKey, far: false }
    this.path = [this.drag.from]
  }

  move(event) {
    const place = this.place(event)
    if (!this.drag) return this.point(this.hit(place))
    this.drag.far ||= distance(place, this.drag.from) > MOVED
    if (!this.drag.far) return
    if (this.drag.isLasso) this.path.push(place)
    else {
      this.x += place[0] - this.path[0][0]
      this.y += place[1] - this.path[0][1]
      this.path = [place]
    }
    this.paint()
  }

  release(event) {
    const drag = this.drag
    const path = this.path
    this.let()
    if (!drag) return
    if (!drag.far) {
      const number = this.hit(this.place(event))
      if (number >= 0) this.report("picked", number)
    } else if (drag.isLasso) {
      const inside = this.data.points.map((point) => isInside(this.at(point), path))
      const numbers = this.data.points.map((_, number) => number).filter((n) => inside[n])
      this.setLasso(false)
      if (numbers.length) this.report("lassoed", numbers)
    }
  }

  let() {
    this.drag = this.path = null
    this.paint()
  }

  // Only once the map has the keyboard, so that the page can be scrolled past it.
  wheel(event) {
    if (this.root.getRootNode().activeElement !== this.canvas && !event.ctrlKey) return
    event.preventDefault()
    this.zoom(Math.exp(-event.deltaY / 400), this.place(event))
    this.paint()
  }

  hit(place) {
    const order = this.order().reverse()
    return order.find((number) => {
      const [x, y] = this.at(this.data.points[number])
      const half = this.size(this.data.points[number]) / 2
      return Math.abs(place[0] - x) <= half && Math.abs(place[1] - y) <= half
    }) ?? -1
  }

  point(number) {
    if (number === this.current) return
    this.current = number
    const item = this.data.points[number]
    this.tip.hidden = !item
    this.canvas.classList.toggle("over", Boolean(item))
    if (item) {
      const [x, y] = this.at(item)
      const image = this.tip.querySelector("img")
      if (image.getAttribute("src") !== item.src) image.src = item.src
      this.tip.querySelector("span").textContent = this.words(item)
      const half = this.size(item) / 2
      this.tip.style.left = `${Math.min(Math.max(x, 80), this.width - 80)}px`
      this.tip.style.top = `${y > 190 ? y - half - 8 : y + half + 8}px`
      this.tip.classList.toggle("above", y > 190)
    }
    this.paint()
  }

  words(item) {
    const images = item.n === 1 ? "1 image" : `${item.n} images with this code`
    return [item.name, item.label, images].filter(Boolean).join(" · ")
  }

  // Where things are.

  fit() {
    ;[this.scale, this.x, this.y] = [1, 0, 0]
    this.current ??= -1
  }

  zoom(by, [x, y]) {
    const scale = Math.min(Math.max(this.scale * by, 1), 12)
    const change = scale / this.scale
    this.x = x - (x - this.x) * change
    this.y = y - (y - this.y) * change
    this.scale = scale
  }

  at({ x, y }) {
    return [
      (PAD + x * (this.width - 2 * PAD)) * this.scale + this.x,
      (PAD + y * (this.height - 2 * PAD)) * this.scale + this.y,
    ]
  }

  size(point) {
    const least = this.width < 500 ? 14 : 20
    return Math.min(90, (least + 5 * Math.log2(point.n)) * Math.sqrt(this.scale))
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  // Drawing.

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect()
    const dense = window.devicePixelRatio || 1
    ;[this.width, this.height] = [width, height]
    ;[this.canvas.width, this.canvas.height] = [width * dense, height * dense]
    this.canvas.getContext("2d").setTransform(dense, 0, 0, dense, 0, 0)
    this.draw()
  }

  paint() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      this.draw()
    })
  }

  // Small pictures above large ones, and those near the query above all others.
  order() {
    const points = this.data.points
    const rank = (number) => (this.near?.has(number) ? 1 : 0)
    return [...points.keys()].sort((a, b) => rank(a) - rank(b) || points[b].n - points[a].n)
  }

  draw() {
    if (!this.data || !this.width) return
    const brush = this.canvas.getContext("2d")
    const style = getComputedStyle(this.root)
    this.primary = style.getPropertyValue("--st-primary-color") || "#0b5c97"
    this.grey = style.getPropertyValue("--st-border-color") || "#9ca3af"
    brush.clearRect(0, 0, this.width, this.height)
    this.drawLinks(brush)
    if (this.data.query) this.drawRays(brush)
    for (const number of this.order()) this.drawPoint(brush, number)
    if (this.data.query) this.drawQuery(brush)
    if (this.path?.length > 1) this.drawLasso(brush)
  }

  drawLinks(brush) {
    brush.strokeStyle = this.grey
    brush.lineWidth = 1
    brush.beginPath()
    for (const [a, b] of this.data.links) {
      brush.moveTo(...this.at(this.data.points[a]))
      brush.lineTo(...this.at(this.data.points[b]))
    }
    brush.stroke()
  }

  drawRays(brush) {
    brush.strokeStyle = this.primary
    brush.lineWidth = 1.5
    brush.beginPath()
    for (const number of this.near) {
      brush.moveTo(...this.at(this.data.query))
      brush.lineTo(...this.at(this.data.points[number]))
    }
    brush.stroke()
  }

  drawPoint(brush, number) {
    const point = this.data.points[number]
    const isNear = this.near?.has(number)
    const isCurrent = number === this.current
    const size = this.size(point) * (isNear ? 1.25 : 1)
    brush.globalAlpha = this.near && !isNear && !isCurrent ? 0.6 : 1
    const ring = isNear || isCurrent ? this.primary : point.colour
    this.drawPicture(brush, point, size, ring, isNear || isCurrent ? 3 : 2)
    brush.globalAlpha = 1
  }

  drawQuery(brush) {
    brush.save()
    brush.shadowColor = this.primary
    brush.shadowBlur = 18
    this.drawPicture(brush, this.data.query, 46, this.primary, 4)
    brush.restore()
  }

  drawPicture(brush, item, size, ring, width) {
    const [x, y] = this.at(item)
    if (x < -size || y < -size || x > this.width + size || y > this.height + size) return
    const box = [x - size / 2, y - size / 2, size, size]
    brush.beginPath()
    brush.roundRect(...box, size / 6)
    brush.fillStyle = "#fff"
    brush.fill()
    const image = this.image(item.src)
    if (image) {
      const fit = size / Math.max(image.naturalWidth, image.naturalHeight)
      const [wide, high] = [image.naturalWidth * fit, image.naturalHeight * fit]
      brush.save()
      brush.shadowBlur = 0
      brush.clip()
      brush.drawImage(image, x - wide / 2, y - high / 2, wide, high)
      brush.restore()
    }
    brush.strokeStyle = ring
    brush.lineWidth = width
    brush.stroke()
  }

  drawLasso(brush) {
    brush.beginPath()
    this.path.forEach((place) => brush.lineTo(...place))
    brush.closePath()
    brush.strokeStyle = this.primary
    brush.lineWidth = 2
    brush.setLineDash([5, 4])
    brush.stroke()
    brush.setLineDash([])
    brush.globalAlpha = 0.12
    brush.fillStyle = this.primary
    brush.fill()
    brush.globalAlpha = 1
  }

  // The picture once it has arrived; null until then, and where there is none.
  image(src) {
    if (!this.images.has(src)) {
      const image = new Image()
      this.images.set(src, null)
      image.onload = () => {
        this.images.set(src, image)
        this.paint()
      }
      image.src = src
    }
    return this.images.get(src)
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".map")
  if (!maps.has(root)) maps.set(root, new CodeMap(root))
  maps.get(root).show(data, setTriggerValue)
}
