// One person: what concerns them, incidents, alerts and events on one line of time, with the rule that attributed each.
import { html } from "../lib/htm-preact.js";
import { readBody } from "../api.js";
import { count, priorities, shortCount } from "../format.js";
import { filterQuery } from "../filters.js";
import { nameOf, useNames } from "../people-names.js";
import { href, withQuery } from "../router.js";
import { Card, Loaded, useData } from "../ui.js";
import { EventsPage } from "./events.js";

const everyMs = 10_000;

export function Person({ id, route }) {
  const names = useNames([id]);
  const person = names.get(id);
  const query = { ...filterQuery(route.query), user_id: id };
  const counted = useData(async (signal) => {
    const [byPriority, byKind, byType] = await Promise.all([
      readBody("stats", { ...query, priority: null, by: "priority" }, { signal }), readBody("stats", { ...query, kind: null, by: "kind" }, { signal }), readBody("stats", { ...query, type: null, by: "type", limit: 6 }, { signal }),
    ]);
    return { byPriority, byKind, byType };
  }, [JSON.stringify(query)], { everyMs });
  const facts = person ? [person.email, person.team, person.manager && `manager: ${person.manager}`].filter(Boolean).join(" · ") : "";
  return html`
    <p class="crumbs"><a href=${href("people")}>People</a> / <b>${nameOf(names, id)}</b> ${person?.name ? html`<span class="muted">${id}</span>` : ""} ${facts && html`<span class="muted">· ${facts}</span>`}</p>
    <${Card} id="person" title=${id === "unknown" ? "What nobody was found for" : `What concerns ${nameOf(names, id)}`}>
      <${Loaded} of=${counted} lines=${2}>${({ byPriority, byKind, byType }) => html`<div class="figures person">
        ${priorities.map((name) => html`<a key=${name} class="figure ${name}" href=${withQuery(route, { priority: name })}><b>${shortCount(of(byPriority, name))}</b><span>${name}</span></a>`)}
        ${["incident", "alert", "audit"].map((name) => html`<a key=${name} class="figure" href=${withQuery(route, { kind: name })}><b>${shortCount(of(byKind, name))}</b><span>${name === "audit" ? "audit events" : `${name}s`}</span></a>`)}</div>
        <p class="small types">${byType.values.map((row) => html`<a key=${row.value} class="chip" href=${withQuery(route, { type: row.value })}>${row.value} <span class="muted">${count(row.count)}</span></a> `)}</p>`}<//>
    <//>
    <${EventsPage} route=${route} path="events" hides=${["user_id"]} fixed=${{ user_id: id }} show=${["priority", "kind", "type", "source", "what", "rule", "from", "country"]} />`;
}

const of = (stats, value) => stats.values.find((row) => row.value === value)?.count ?? 0;
