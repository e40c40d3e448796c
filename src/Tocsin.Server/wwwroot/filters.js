// Filters of events: a chip for each that holds, a menu for each that could, with the values there are and how often.
import { html, useEffect, useRef, useState } from "./lib/htm-preact.js";
import { readStats } from "./api.js";
import { count, country, priorities } from "./format.js";
import { nameOf, useNames } from "./people-names.js";
import { go, withQuery } from "./router.js";
import { ErrorBox, LeastCounted, useData } from "./ui.js";
import { WindowChoice, windowOf, windowQuery } from "./window.js";

/** counted: the service can count by it. upper: how the service writes it. */
export const fields = [
  { name: "priority", label: "Priority", counted: true, example: "critical" },
  { name: "kind", label: "Kind", counted: true, example: "audit" },
  { name: "type", label: "Type", counted: true, example: "auth.*" },
  { name: "source", label: "Source", counted: true, example: "alerts" },
  { name: "device", label: "Device", counted: true, example: "firewall" },
  { name: "country", label: "Country", counted: true, example: "DE", upper: true },
  { name: "user_id", label: "Person", counted: true, example: "4506 or unknown" },
  { name: "ip", label: "Address", counted: false, example: "10.1.2.3 or 10.0.0.0/8" },
];

/** Filters without a menu: an address may say them, and then they are chips too. */
const others = { q: "Text", src_ip: "From", dst_ip: "To", external_id: "External id", id: "Id", time: "Time" };
const labels = { ...others, ...Object.fromEntries(fields.map((field) => [field.name, field.label])) };
const isFilter = (name) => name in labels || name.startsWith("data.");

/** What the service is asked for the filters and the window in the address. */
export function filterQuery(query) {
  const asked = { ...windowQuery(query) };
  for (const name of new Set(query.keys())) if (isFilter(name)) asked[name] = query.getAll(name);
  return asked;
}

export function valueText(name, value, names) {
  if (name === "country") return `${country(value)} (${value})`;
  return name === "user_id" && names ? nameOf(names, value) : value;
}

const without = (route, name, value) => withQuery(route, { [name]: route.query.getAll(name).filter((one) => one !== value) });

/** fixed: what the page itself asks for besides. search: what its field looks for. */
export function FilterBar({ route, fixed, children, hides = [], search = "Search events" }) {
  const held = [...route.query].filter(([name]) => isFilter(name) && !hides.includes(name) && !(name in fixed));
  const names = useNames(held.filter(([name]) => name === "user_id").map(([, value]) => value));
  return html`
    <div class="bar">
      <${SearchField} route=${route} label=${search} />
      <${WindowChoice} route=${route} />
      ${children}
    </div>
    <div class="bar filters" role="group" aria-label="Filters">
      ${fields.filter((field) => !hides.includes(field.name)).map((field) => html`<${FieldMenu} key=${field.name} field=${field} route=${route} fixed=${fixed} />`)}
      ${held.map(([name, value]) => html`<a key=${`${name}=${value}`} class="chip" href=${without(route, name, value)} title="Take this filter away">
        <span class="muted">${labels[name] ?? name}</span> ${valueText(name, value, names)} <span aria-hidden="true">×</span><span class="hidden">, take away</span></a>`)}
      ${held.length > 1 && html`<a href=${withQuery(route, Object.fromEntries(held.map(([name]) => [name, null])))}>clear all</a>`}
    </div>`;
}

/** What an empty table says: how to see more. */
export function NothingMatches({ route }) {
  const held = [...new Set(route.query.keys())].filter(isFilter);
  const isAll = windowOf(route.query) === "all";
  return html`Nothing matches.${!isAll && html` <a href=${withQuery(route, { window: "all", since: null, until: null })}>Look at all time</a>`}${!isAll && held.length > 0 && " or"}${held.length > 0 && html` <a href=${withQuery(route, Object.fromEntries(held.map((name) => [name, null])))}>take the filters away</a>`}${isAll && held.length === 0 ? " What the sources bring and what is pushed appears here." : "."}`;
}

export function SearchField({ route, label, name = "q" }) {
  const there = route.query.get(name) ?? "";
  // What is typed counts beside the search it was typed over; another one in the address bar is shown as it is.
  const [typed, setTyped] = useState({ over: there, text: there });
  const text = typed.over === there ? typed.text : there;
  const field = useRef(null);
  useEffect(() => {
    if (route.query.get("focus") !== "search") return;
    field.current.focus();
    go(withQuery(route, { focus: null }), { replace: true });
  }, []);
  const submit = (event) => {
    event.preventDefault();
    setTyped({ over: text.trim(), text: text.trim() });
    go(withQuery(route, { [name]: text.trim() }));
  };
  return html`<form class="search" role="search" onSubmit=${submit}>
    <input ref=${field} type="search" data-search placeholder=${`${label}  ( / )`} aria-label=${label} value=${text}
      onInput=${(event) => { setTyped({ over: there, text: event.target.value }); if (event.target.value === "" && there) go(withQuery(route, { [name]: null })); }} onKeyDown=${(event) => event.key === "Escape" && event.target.blur()} />
    <button type="submit">Search</button></form>`;
}

function FieldMenu({ field, route, fixed }) {
  const [isOpen, setOpen] = useState(false);
  const place = useRef(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    // A press on the text of a choice gives the focus to what is around the menu, which can take it: that is no leaving.
    const isAround = (event) => event.type === "focusin" && event.target.contains?.(place.current);
    const outside = (event) => place.current?.contains(event.target) || isAround(event) || setOpen(false);
    addEventListener("pointerdown", outside);
    addEventListener("focusin", outside);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("focusin", outside);
    };
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    place.current?.querySelector("button")?.focus();
  };
  return html`<div class="menu" ref=${place} onKeyDown=${(event) => event.key === "Escape" && isOpen && (event.stopPropagation(), close())}>
    <button type="button" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${field.label} <span aria-hidden="true">▾</span></button>
    ${isOpen && html`<${FieldValues} field=${field} route=${route} fixed=${fixed} />`}
  </div>`;
}

/** The values that are there under all the other filters. */
function FieldValues({ field, route, fixed }) {
  const [text, setText] = useState("");
  const input = useRef(null);
  useEffect(() => input.current.focus(), []);
  const asked = { ...filterQuery(route.query), [field.name]: null, ...fixed, by: field.name, limit: 50 };
  const found = useData((signal) => (field.counted ? readStats(asked, { signal }) : { values: [] }), [JSON.stringify(asked)]);
  const held = route.query.getAll(field.name);
  const toggle = (value) => go(withQuery(route, { [field.name]: held.includes(value) ? held.filter((one) => one !== value) : [...held, value] }));
  const submit = (event) => {
    event.preventDefault();
    const value = field.upper ? text.trim().toUpperCase() : text.trim();
    if (value && !held.includes(value)) toggle(value);
    setText("");
  };
  let rows = (found.data?.values ?? []).filter((row) => row.value !== null || field.name === "user_id").map((row) => ({ value: row.value ?? "unknown", count: row.count }));
  if (field.name === "priority") rows = priorities.map((name) => rows.find((row) => row.value === name) ?? { value: name, count: 0 });
  const names = useNames(field.name === "user_id" ? rows.map((row) => row.value) : []);
  rows = rows.filter((row) => `${row.value} ${valueText(field.name, row.value, names)}`.toLowerCase().includes(text.trim().toLowerCase()));
  return html`<div class="popover">
    <form class="row" onSubmit=${submit}><input class="grow" aria-label=${`${field.label}: a value`} placeholder=${field.example} value=${text} onInput=${(event) => setText(event.target.value)} ref=${input} /><button type="submit">Add</button></form>
    ${found.error && html`<${ErrorBox} error=${found.error} retry=${found.reload} />`}
    ${field.counted && html`<div class="values" role="group" aria-label=${`${field.label}: values`}>
      ${rows.map((row) => html`<label key=${row.value}><input type="checkbox" checked=${held.includes(row.value)} onChange=${() => toggle(row.value)} /><span title=${row.value}>${valueText(field.name, row.value, names)}</span><span class="number">${count(row.count)}</span></label>`)}
      <${LeastCounted} of=${found.data} />
      ${!found.isLoading && rows.length === 0 && !found.data?.isPartial && html`<p class="empty">None ${text ? "like that among the most frequent; Add looks for it anyway" : "in this window"}.</p>`}
    </div>`}
  </div>`;
}
