// The board: who has how many incidents of which priority. A person opens with all that concerns them on one line of time.
import { html, useState } from "../lib/htm-preact.js";
import { readBody } from "../api.js";
import { readBoard } from "../board.js";
import { FilterBar, filterQuery } from "../filters.js";
import { count, plural, priorities } from "../format.js";
import { nameOf, useNames } from "../people-names.js";
import { href, withQuery } from "../router.js";
import { useStore } from "../store.js";
import { Empty, Loaded, Scroll, health, useData } from "../ui.js";
import { windowParameters } from "../window.js";
import { Person } from "./person.js";
import { Unresolved } from "./unresolved.js";

const everyMs = 10_000;
const rowsAtFirst = 100;
const heatAtMost = 42;
const hides = ["kind", "device", "country", "user_id", "ip"];

export const People = ({ route }) => (route.rest[0] ? html`<${Person} key=${route.rest[0]} id=${route.rest[0]} route=${route} />` : html`<${Board} route=${route} />`);

/** One for all comparisons: making it costs a hundred times what one of them does. */
const byId = new Intl.Collator(undefined, { numeric: true });

const sorts = {
  weight: (a, b) => b.weight - a.weight,
  total: (a, b) => b.total - a.total,
  person: (a, b) => byId.compare(a.id, b.id),
  ...Object.fromEntries(priorities.map((name) => [name, (a, b) => b[name] - a[name] || b.weight - a.weight])),
};

function Board({ route }) {
  const { q, ...query } = filterQuery(route.query);
  const text = (q?.[0] ?? "").toLowerCase();
  const board = useData((signal) => readBoard(query, signal), [JSON.stringify(query)], { everyMs });
  const hasNames = useStore(health)?.people?.rows > 0;
  const named = useData(async (signal) => (text && hasNames ? new Set((await readBody("people", { q: text, limit: 1000 }, { signal })).map((person) => person.user_id)) : new Set()), [text, hasNames]);
  return html`
    <${FilterBar} route=${route} fixed=${{ kind: "incident", q: null }} hides=${hides} search="Search people" />
    <${Loaded} of=${board} lines=${14}>${(data) => {
      const unknown = data.rows.find((row) => row.id === "unknown");
      const people = data.rows.filter((row) => row.id !== "unknown" && (!text || row.id.toLowerCase().includes(text) || named.data?.has(row.id)));
      return html`
        ${data.incomplete && html`<p class="note" role="status">Not complete yet: ${data.incomplete} has not finished its first poll.</p>`}
        ${data.floor && html`<p class="note">The board holds the newest incidents only; older ones are under <a href=${href("events", { kind: "incident", window: "all" })}>Events</a>.</p>`}
        <${Unresolved} unknown=${unknown} query=${{ ...windowParameters(route.query), ...(unknown && { ...boardFilters(route.query), kind: "incident" }) }} onAssigned=${board.reload} />
        <${Heat} people=${people} route=${route} isSearched=${text !== ""} />`;
    }}<//>`;
}

/** What a number of the board counts, for the link that leads to it. */
const boardFilters = (query) => Object.fromEntries(["type", "source", "priority"].map((name) => [name, query.getAll(name)]));

function Heat({ people, route, isSearched }) {
  const [shown, setShown] = useState(rowsAtFirst);
  const sort = sorts[route.query.get("sort")] ? route.query.get("sort") : "weight";
  const sorted = people.toSorted(sorts[sort]);
  const rows = sorted.slice(0, shown);
  const names = useNames(rows.map((row) => row.id));
  const params = windowParameters(route.query);
  const kept = boardFilters(route.query);
  const most = Object.fromEntries(priorities.map((name) => [name, Math.max(1, ...people.map((row) => row[name]))]));
  const hasTeams = rows.some((row) => names.get(row.id)?.team);
  const head = (name, text, title) => html`<th scope="col" key=${name} class=${name === "person" ? "" : "number"} aria-sort=${sort === name ? (name === "person" ? "ascending" : "descending") : undefined}><a class=${sort === name ? "sorted" : ""} title=${title} href=${withQuery(route, { sort: name === "weight" ? null : name })}>${text}${sort === name ? (name === "person" ? " ▴" : " ▾") : ""}</a></th>`;
  if (people.length === 0) return html`<section class="card"><${Empty}>${isSearched ? "Nobody of this name or id has incidents here. Clear the search, or choose a longer window." : "Nobody has incidents here. Choose a longer window, or take a filter away."}<//></section>`;
  return html`<section class="card" aria-labelledby="board-title"><header><h2 id="board-title">${plural(people.length, "person", "people")}</h2><span class="muted small">weight: critical 8, high 4, medium 2, low 1</span></header>
    <${Scroll}><table class="heat"><caption class="hidden">Incidents by person and priority</caption>
      <thead><tr>${head("person", "Person")}${hasTeams && html`<th scope="col">Team</th>`}${priorities.map((name) => head(name, name))}${head("total", "all")}${head("weight", "weight", "critical 8, high 4, medium 2, low 1")}</tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.id} data-row>
        <th scope="row"><a data-open href=${href(["people", row.id], { ...params, ...kept })} title=${row.id}>${nameOf(names, row.id)}</a>${names.get(row.id)?.name ? html` <span class="faint small">${row.id}</span>` : ""}</th>
        ${hasTeams && html`<td class="muted">${names.get(row.id)?.team ?? ""}</td>`}
        ${priorities.map((name) => html`<td key=${name} class="number cell ${name}" style=${{ "--heat": row[name] === 0 ? 0 : 8 + (heatAtMost - 8) * (row[name] / most[name]) }}>${row[name] === 0 ? html`<span class="faint">0</span>` : html`<a class="plain" href=${href(["people", row.id], { ...params, ...kept, kind: "incident", priority: name })} aria-label=${`${count(row[name])} ${name} of ${nameOf(names, row.id)}`}>${count(row[name])}</a>`}</td>`)}
        <td class="number"><a class="plain" href=${href(["people", row.id], { ...params, ...kept, kind: "incident" })} aria-label=${`${count(row.total)} of ${nameOf(names, row.id)}`}>${count(row.total)}</a></td><td class="number">${count(row.weight)}</td></tr>`)}</tbody>
    </table><//>
    ${sorted.length > rows.length && html`<p class="row"><button type="button" onClick=${() => setShown(shown * 2)}>Show more</button><span class="muted">${count(rows.length)} of ${count(sorted.length)}</span></p>`}
  </section>`;
}
