// Sends one file to the server with progress. Names and messages reach the page as text only.

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`)

const BLOCK = 512

// One member of a tar file: header, content, padding. A long or accented path goes before it as a
// pax record, which every tar reader knows.
function member(path, blob) {
  const bytes = new TextEncoder().encode(path)
  if (bytes.length > 99 || bytes.length !== path.length) {
    let record = `path=${path}\n`
    let length = bytes.length + 7
    while (`${length} `.length + bytes.length + 6 !== length) length += 1
    record = new Blob([`${length} ${record}`])
    return [...plain("pax-header", record, "x"), ...plain("long-name", blob, "0")]
  }
  return plain(path, blob, "0")
}

function plain(name, blob, type) {
  const header = new Uint8Array(BLOCK)
  const put = (text, at) => header.set(new TextEncoder().encode(text), at)
  put(name, 0)
  put("0000644\0" + "0000000\0" + "0000000\0", 100)
  put(blob.size.toString(8).padStart(11, "0") + "\0" + "00000000000\0", 124)
  put("        " + type, 148) // the checksum counts as blanks
  put("ustar\x0000", 257)
  put(header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0") + "\0 ", 148)
  return [header, blob, new Uint8Array((BLOCK - (blob.size % BLOCK)) % BLOCK)]
}

// The chosen folder as a tar: a list of references, which the browser reads while it sends.
function packed(files) {
  const parts = files.flatMap((file) => member(file.webkitRelativePath, file))
  const name = files[0].webkitRelativePath.split("/")[0]
  return new File([...parts, new Uint8Array(2 * BLOCK)], `${name}.tar`)
}

const waiting = new WeakMap() // box -> file to send once there is a place for it

function send(file, box, data, done) {
  const note = box.querySelector(".note")
  const progress = box.querySelector("progress")
  const say = (text, isBad) => {
    note.textContent = text
    box.classList.toggle("bad", Boolean(isBad))
  }
  if (file.size > data.limit) {
    say(`${file.name} is ${size(file.size)}; the limit is ${size(data.limit)}.`, true)
    return
  }
  const request = new XMLHttpRequest()
  request.upload.onprogress = (event) => {
    progress.value = event.loaded / file.size
    say(`${file.name}: ${size(event.loaded)} of ${size(file.size)}`)
  }
  request.onload = () => {
    progress.hidden = true
    if (request.status === 404 && waiting.get(box) !== file) {
      waiting.set(box, file) // its place was deleted after a day: the page gives out another
      done("")
      return
    }
    waiting.delete(box)
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
  const xsrf = document.cookie.match(/(?:^|; )_streamlit_xsrf=([^;]*)/) // as Streamlit's own uploads
  if (xsrf) request.setRequestHeader("X-Xsrftoken", decodeURIComponent(xsrf[1]))
  request.send(file)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".box")
  const [input, folder] = parentElement.querySelectorAll("input")
  const done = (name) => setTriggerValue("uploaded", name)
  const note = box.querySelector(".note")
  if (data.uploaded) note.textContent = `${data.uploaded} is on the server.`
  else if (box.dataset.token !== data.token) note.textContent = "Class folders, CSV, COCO, VOC, …"
  const isNew = box.dataset.token !== data.token
  box.dataset.token = data.token
  input.disabled = folder.disabled = Boolean(data.uploaded)
  folder.parentElement.hidden = Boolean(data.uploaded)
  box.classList.toggle("full", Boolean(data.uploaded))
  if (isNew && waiting.has(box)) send(waiting.get(box), box, data, done)
  input.onchange = () => input.files.length && send(input.files[0], box, data, done)
  folder.onchange = () => folder.files.length && send(packed([...folder.files]), box, data, done)
  box.ondragover = (event) => event.preventDefault()
  box.ondrop = (event) => {
    event.preventDefault()
    if (!data.uploaded && event.dataTransfer.files.length) send(event.dataTransfer.files[0], box, data, done)
  }
}
