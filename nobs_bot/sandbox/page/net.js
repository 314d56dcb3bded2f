// The sandbox's control interface, as far as the page needs it.

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? `${response.status} ${response.statusText}`);
  return body;
}

export async function get(path) {
  return answered(await fetch(`/sim/${path}`));
}

export async function act(personId, name, body = {}) {
  const response = await fetch(`/sim/persons/${personId}/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return answered(response);
}

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answered(await fetch(`/sim/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

export async function upload(personId, name, files, caption = "") {
  const form = new FormData();
  form.append("caption", caption);
  for (const file of files) form.append("file", file, file.name);
  return answered(await fetch(`/sim/persons/${personId}/${name}`, { method: "POST", body: form }));
}

export async function sampleFile(name, type) {
  const response = await fetch(`/page/samples/${name}`);
  return new File([await response.blob()], name, { type });
}

export function fileUrl(fileId, download = false) {
  return `/sim/files/${encodeURIComponent(fileId)}${download ? "?download" : ""}`;
}

/** Server-sent events; `onopen` also after every reconnection. */
export function listen(onevent, onopen, onlost) {
  const source = new EventSource("/sim/events");
  source.onopen = onopen;
  source.onerror = onlost;
  source.onmessage = (event) => onevent(JSON.parse(event.data));
}
