// Sends one file to the server with progress. Names and messages reach the page as text only.

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`)

function send(file, box, data, done) {
  const note = box.querySelector(".note")
  const progress = box.querySelector("progress")
  const say = (text, isBad) => {
    note.textContent = text
    box.classList.toggle("bad", Boolean(isBad))
  }
  if (file.size > data.limit) {
    say(`${file.name} has ${size(file.size)}; at most ${size(data.limit)} are taken.`, true)
    return
  }
  const request = new XMLHttpRequest()
  request.upload.onprogress = (event) => {
    progress.value = event.loaded / file.size
    say(`${file.name}: ${size(event.loaded)} of ${size(file.size)}`)
  }
  request.onload = () => {
    progress.hidden = true
    if (request.status === 200) {
      say(`${file.name} is on the server.`)
      done(file.name)
    } else say(request.responseText, true)
  }
  request.onerror = () => {
    progress.hidden = true
    say("The connection was lost. Choose the file again.", true)
  }
  progress.hidden = false
  progress.value = 0
  request.open("PUT", `/api/import/${data.token}/${encodeURIComponent(file.name)}`)
  request.send(file)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".box")
  const input = box.querySelector("input")
  const done = (name) => setTriggerValue("uploaded", name)
  const note = box.querySelector(".note")
  if (data.uploaded) note.textContent = `${data.uploaded} is on the server.`
  else if (box.dataset.token !== data.token) note.textContent = "Class folders, CSV, COCO, VOC, …"
  box.dataset.token = data.token
  input.disabled = Boolean(data.uploaded)
  box.classList.toggle("full", Boolean(data.uploaded))
  input.onchange = () => input.files.length && send(input.files[0], box, data, done)
  box.ondragover = (event) => event.preventDefault()
  box.ondrop = (event) => {
    event.preventDefault()
    if (!data.uploaded && event.dataTransfer.files.length) send(event.dataTransfer.files[0], box, data, done)
  }
}
