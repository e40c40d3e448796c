// One event in full, beside the table it was opened from: what Tocsin understood, and the record as it came, to be copied.
import { html, useEffect, useRef } from "./lib/htm-preact.js";
import { readText } from "./api.js";
import { country, layOutJson, ruleText } from "./format.js";
import { nameOf, useNames } from "./people-names.js";
import { go, href, withQuery } from "./router.js";
import { copyText, Loaded, Priority, Time, useData } from "./ui.js";

export function EventDetail({ route }) {
  const id = route.query.get("event");
  return id ? html`<${Open} key=${id} id=${id} route=${route} />` : null;
}

function Open({ id, route }) {
  const found = useData(async (signal) => {
    const text = await readText(`events/${encodeURIComponent(id)}`, {}, { signal });
    return { text: layOutJson(text), event: JSON.parse(text) };
  }, [id]);
  const panel = useRef(null);
  const closed = withQuery(route, { event: null }, { keepPage: true });
  const before = useRef(null);
  // Once: what else changes in the address while the event is open takes the focus from nobody.
  useEffect(() => {
    before.current = document.activeElement;
    panel.current.focus({ preventScroll: true });
  }, []);
  const close = () => {
    go(closed);
    before.current?.isConnected && before.current.focus();
  };
  useEffect(() => {
    const pressed = (event) => event.key === "Escape" && !event.target.closest("dialog[open], .menu, .popover") && close();
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [closed]);
  return html`<aside class="detail card" ref=${panel} tabindex="-1" aria-label="The event">
    <header><h2>Event</h2><span class="row">
      ${found.data && html`<button type="button" onClick=${() => copyText(found.data.text, "the text")}>Copy JSON</button>`}
      <a class="button" href=${closed} onClick=${(event) => { event.preventDefault(); close(); }} aria-label="Close the event">Close</a></span></header>
    <${Loaded} of=${found} lines=${8}>${({ event, text }) => html`<${Facts} event=${event} /><h3>JSON</h3><pre tabindex="0" aria-label="The event as JSON">${text}</pre>`}<//>
  </aside>`;
}

function Facts({ event }) {
  const names = useNames([event.user_id]);
  const all = { window: "all" };
  const by = (name, value, text) => value && html`<a href=${href("events", { ...all, [name]: value })}>${text ?? value}</a>`;
  const facts = [
    ["Time", html`<${Time} at=${event.time} />`],
    ["Received", html`<${Time} at=${event.received_at} />`],
    ["Kind", event.kind],
    ["Type", by("type", event.type)],
    ["Priority", html`<${Priority} of=${event.priority} />`],
    ["Person", event.user_id ? html`<a href=${href(["people", event.user_id])}>${nameOf(names, event.user_id)}</a>${names.get(event.user_id)?.team ? `, ${names.get(event.user_id).team}` : ""}` : "unknown"],
    ["Attributed by", ruleText(event.attribution)],
    ["Description", event.description],
    ["Source", by("source", event.source)],
    ["Device", by("device", event.device)],
    ["From", by("ip", event.src_ip)],
    ["To", by("ip", event.dst_ip)],
    ["Country", by("country", event.country, event.country && country(event.country))],
    ["External id", event.external_id],
    ["Id", event.id],
    ["Sequence", event.sequence],
  ];
  return html`<dl class="facts">${facts.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => html`<dt key=${name}>${name}</dt><dd>${value}</dd>`)}</dl>`;
}
