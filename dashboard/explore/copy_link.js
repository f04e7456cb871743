// Copies a link; where the page may not, shows it selected in a field.

const SHOWN_MS = 2500
const resets = new WeakMap() // root -> timer that takes "Copied" back

function say(root, icon, label, said) {
  root.querySelector(".icon").textContent = icon
  root.querySelector(".label").textContent = label
  root.querySelector(".said").textContent = said
}

function idle(root) {
  clearTimeout(resets.get(root))
  say(root, "link", "Copy link", "")
}

function byHand(root, isShown) {
  root.querySelector(".by-hand").hidden = !isShown
  if (isShown) root.querySelector("input").select()
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".copy")
  const button = root.querySelector("button")
  const field = root.querySelector("input")
  button.title = data.help
  if (field.value !== data.link) {
    field.value = data.link
    byHand(root, false)
    idle(root)
  }
  button.onclick = async () => {
    idle(root)
    try {
      await navigator.clipboard.writeText(data.link) // not there on pages without HTTPS
    } catch {
      return byHand(root, true)
    }
    byHand(root, false)
    say(root, "check", "Copied", "Link copied")
    resets.set(root, setTimeout(() => idle(root), SHOWN_MS))
  }
}
