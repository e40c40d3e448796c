// How the service is set up and how it is, who may what, and in the demo how to make its upstream misbehave.
import { html, useState } from "../lib/htm-preact.js";
import { change, readBody } from "../api.js";
import * as format from "../format.js";
import { href } from "../router.js";
import { may, session } from "../session.js";
import { useStore } from "../store.js";
import { Age, Card, Loaded, Scroll, health, useAction, useData, useNow } from "../ui.js";
import { Chaos } from "./chaos.js";
import { Tokens } from "./tokens.js";

export function Settings() {
  const who = useStore(session);
  const parts = [["service", "The service"], ["files", "Files"], ...(may("admin", who) ? [["tokens", "Tokens"]] : []), ...(who?.demo ? [["chaos", "Chaos"]] : [])];
  return html`
    <nav class="bar" aria-label="On this page"><span class="muted" aria-hidden="true">On this page</span>${parts.map(([id, text]) => html`<button key=${id} type="button" onClick=${() => show(id)}>${text}</button>`)}</nav>
    <div class="grid">
      <div class="stack"><${Interval} mayOperate=${may("operate", who)} /><${You} who=${who} /></div>
      <${Service} />
      <${Files} />
    </div>
    <p></p>
    ${may("admin", who) && html`<${Tokens} />`}
    ${who?.demo && html`<${Chaos} mayOperate=${may("operate", who)} />`}`;
}

/** The address bar belongs to the pages, so that this is no link. */
function show(id) {
  const title = document.getElementById(`title-${id}`);
  title?.setAttribute("tabindex", "-1");
  title?.focus({ preventScroll: true });
  title?.closest("section").scrollIntoView({ block: "start" });
}

const origins = { api: "set here", file: "as the configuration says", default: "by default" };

function Interval({ mayOperate }) {
  const config = useData((signal) => readBody("config", {}, { signal }), []);
  // Null: what holds, until something is typed.
  const [text, setText] = useState(null);
  const [run, isBusy] = useAction();
  const apply = (method, body) => run(async () => {
    await change(method, "config", body);
    await config.reload();
    setText(null);
  }, method === "DELETE" ? "Taken back: the configuration counts again." : "Applied.");
  const submit = (event) => {
    event.preventDefault();
    apply("POST", { sync_interval_minutes: Number(text ?? config.data.sync_interval_minutes) });
  };
  return html`<${Card} id="interval" title="Sync interval"><${Loaded} of=${config}>${(now) => html`
    <p>Sources are polled every <b>${format.plural(now.sync_interval_minutes, "minute")}</b>, ${origins[now.from]}${now.changed_by ? html`<span>; last changed by ${now.changed_by}, <${Age} at=${now.changed_at} /></span>` : ""}.
      ${now.not_affected.length > 0 && html` Not affected, with an interval of their own: ${now.not_affected.map((name, i) => html`${i > 0 ? ", " : ""}<a key=${name} href=${href(["sources", name])}>${name}</a>`)}.`}</p>
    ${mayOperate ? html`<form class="row" onSubmit=${submit}><label for="minutes">Minutes, 1 to 1440</label><input id="minutes" type="number" min="1" max="1440" step="1" required value=${text ?? now.sync_interval_minutes} onInput=${(event) => setText(event.target.value)} />
      <button type="submit" disabled=${isBusy}>Set</button>${now.from === "api" && html`<button type="button" disabled=${isBusy} onClick=${() => apply("DELETE")}>Take back</button>`}</form>`
      : html`<p class="muted small">To change it, sign in with a token of scope operate.</p>`}`}<//><//>`;
}

function Service() {
  const now = useStore(health);
  return html`<${Card} id="service" title="The service" more=${now && html`<span class="pill ${now.status}">${now.status}</span>`}>
    ${now?.store && html`<dl class="facts">
      <dt>Version</dt><dd>${now.version}</dd>
      <dt>Up for</dt><dd>${format.duration(now.uptime_seconds)}</dd>
      <dt>Store</dt><dd>${now.store.engine} ${now.store.version}, ${now.store.status}, ${now.store.latency_ms} ms ${now.store.error && html`<span class="bad">${now.store.error}</span>`}</dd>
      <dt>Queue</dt><dd>${now.queue.engine}, ${format.count(now.queue.depth)} of ${format.count(now.queue.capacity)}</dd>
      <dt>Board</dt><dd>${format.plural(now.board.events, "event")} in memory, ${format.count(now.board.head - now.board.sequence)} behind the journal ${now.board.error && html`<span class="bad">${now.board.error}</span>`}</dd>
      <dt>More</dt><dd><a href="docs">API, to read and try</a> · <a href="openapi/v1.json">OpenAPI</a> · ${may("metrics") && html`<a href="metrics">Metrics</a> · `} <a href="health">Health</a></dd>
    </dl>`}
  <//>`;
}

function Files() {
  const all = useStore(health);
  const now = useNow(10_000);
  if (!all?.geoip) return null;
  const { geoip, owners, people } = all;
  const table = (name, file, what) => html`<tr><th scope="row">${name}</th><td><span class=${file.error ? "bad" : ""}>${file.status}</span></td><td class="wrap">${file.error ? html`<span class="bad">${file.error}</span>` : file.status === "off" ? html`<span class="muted">none configured; ${what}</span>` : html`${format.plural(file.rows, "row")}, read <${Age} at=${file.loaded_at} now=${now} />`}</td></tr>`;
  return html`<${Card} id="files" title="Files beside the records"><${Scroll}><table class="roomy"><thead><tr><th scope="col">File</th><th scope="col">State</th><th scope="col">What is in it</th></tr></thead><tbody>
    <tr><th scope="row">Country data</th><td><span class=${geoip.error ? "bad" : ""}>${geoip.status}</span></td><td class="wrap">${geoip.error && html`<p class="bad">${geoip.error}</p>`}${geoip.database === "shipped" ? "The one that ships with Tocsin" : html`<span title=${geoip.type}>${geoip.database}</span>`}${geoip.built ? html`, built <${Age} at=${geoip.built} now=${now} />` : ""}</td></tr>
    ${table("Owners", owners, "they say whose an address is that no directory knows")}
    ${table("People", people, "it gives ids their names")}
  </tbody></table><//><//>`;
}

function You({ who }) {
  if (!who) return null;
  return html`<${Card} id="you" title="You">${who.signed_in
    ? html`<p>Signed in as <b>${who.name}</b>, who may: ${who.scopes.join(", ")}.${who.expires_at && html` Until ${format.localTime(who.expires_at)}.`}</p>`
    : html`<p>Not signed in. Reads are open here; what changes something needs a token.</p>`}
    <p class="muted small">What is done here is kept as events of source tocsin: <a href=${href("events", { source: "tocsin" })}>see them</a>.</p><//>`;
}
