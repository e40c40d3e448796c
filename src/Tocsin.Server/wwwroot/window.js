// Which time is looked at: the last 7 days unless the address says otherwise.
import { html, useState } from "./lib/htm-preact.js";
import { fromLocalField, localTime, toLocalField } from "./format.js";
import { go, withQuery } from "./router.js";

export const spans = [["1h", "1 h"], ["2h", "2 h"], ["24h", "24 h"], ["7d", "7 d"], ["30d", "30 d"], ["all", "all"]];
const usual = "7d";

/** The name of the window in the address: one of the spans, or custom. */
export function windowOf(query) {
  if (query.has("since") || query.has("until")) return "custom";
  const named = query.get("window");
  return spans.some(([name]) => name === named) ? named : usual;
}

/** How long a named window is; 0 for all of it, and for one with ends of its own. */
export const spanSeconds = (name) => (/^\d+[hd]$/.test(name) ? Number.parseInt(name, 10) * (name.endsWith("h") ? 3600 : 86_400) : 0);

/** What the service is asked, for the window in the address. */
export function windowQuery(query) {
  const name = windowOf(query);
  if (name === "custom") return { since: query.get("since"), until: query.get("until") };
  return name === "all" ? {} : { since: `-${name}` };
}

/** What an address on another page says, so that it shows the same window. */
export function windowParameters(query) {
  const name = windowOf(query);
  return name === "custom" ? { since: query.get("since"), until: query.get("until") } : name === usual ? {} : { window: name };
}

export function windowText(query) {
  const name = windowOf(query);
  if (name === "all") return "of all time";
  if (name !== "custom") return `of the last ${spans.find(([span]) => span === name)[1]}`;
  const [since, until] = [query.get("since"), query.get("until")];
  return [since && `from ${localTime(since)}`, until && `until ${localTime(until)}`].filter(Boolean).join(" ");
}

const changes = (name) => ({ window: name === usual ? null : name, since: null, until: null });

export function WindowChoice({ route }) {
  const now = windowOf(route.query);
  const [isOpen, setOpen] = useState(false);
  return html`<div class="choices" role="group" aria-label="Window of time">
    ${spans.map(([name, text]) => html`<a key=${name} href=${withQuery(route, changes(name))} class=${name === now ? "on" : ""} aria-current=${name === now ? "true" : undefined}>${text}</a>`)}
    <button type="button" class=${now === "custom" ? "on" : ""} aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${now === "custom" ? windowText(route.query) : "from … to"}</button>
    ${isOpen && html`<${CustomWindow} route=${route} close=${() => setOpen(false)} />`}
  </div>`;
}

function CustomWindow({ route, close }) {
  const [since, setSince] = useState(toLocalField(route.query.get("since")));
  const [until, setUntil] = useState(toLocalField(route.query.get("until")));
  const submit = (event) => {
    event.preventDefault();
    close();
    go(withQuery(route, { window: null, since: fromLocalField(since), until: fromLocalField(until) }));
  };
  return html`<form class="popover" onSubmit=${submit} onKeyDown=${(event) => event.key === "Escape" && close()}>
    <label>From (local) <input type="datetime-local" value=${since} onInput=${(event) => setSince(event.target.value)} /></label>
    <label>To (local) <input type="datetime-local" value=${until} onInput=${(event) => setUntil(event.target.value)} /></label>
    <button type="submit" class="main">Show</button>
  </form>`;
}
