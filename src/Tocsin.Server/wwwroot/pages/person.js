// One person: what concerns them, incidents, alerts and events on one line of time, with the rule that attributed each.
import { html } from "../lib/htm-preact.js";
import { readBody, readStats } from "../api.js";
import { PriorityChart } from "../chart.js";
import { count, priorities, shortCount } from "../format.js";
import { filterQuery } from "../filters.js";
import { nameOf, useNames } from "../people-names.js";
import { href, withQuery } from "../router.js";
import { Card, LeastCounted, Loaded, useData } from "../ui.js";
import { spanSeconds, windowOf, windowParameters, windowText } from "../window.js";
import { EventsPage } from "./events.js";

const everyMs = 10_000;

export function Person({ id, route }) {
  const names = useNames([id]);
  const person = names.get(id);
  const query = { ...filterQuery(route.query), user_id: id };
  const counted = useData(async (signal) => {
    const [byPriority, byKind, byType] = await Promise.all([
      readStats({ ...query, priority: null, by: "priority" }, { signal }), readStats({ ...query, kind: null, by: "kind" }, { signal }), readStats({ ...query, type: null, by: "type", limit: 6 }, { signal }),
    ]);
    return { byPriority, byKind, byType };
  }, [JSON.stringify(query)], { everyMs });
  const facts = person ? [person.email, person.team, person.manager && `manager: ${person.manager}`].filter(Boolean).join(" · ") : "";
  return html`
    <p class="crumbs"><a href=${href("people", windowParameters(route.query))}>People</a> / <b>${nameOf(names, id)}</b> ${person?.name ? html`<span class="muted">${id}</span>` : ""} ${facts && html`<span class="muted">· ${facts}</span>`}</p>
    <${Card} id="person" title=${id === "unknown" ? "What nobody was found for" : `What concerns ${nameOf(names, id)}`}>
      <${Loaded} of=${counted} lines=${2}>${({ byPriority, byKind, byType }) => html`<div class="figures person">
        ${priorities.map((name) => html`<a key=${name} class="figure ${name}" href=${withQuery(route, { priority: name })}><b>${shortCount(of(byPriority, name))}</b><span>${name}</span></a>`)}
        ${["incident", "alert", "audit"].map((name) => html`<a key=${name} class="figure" href=${withQuery(route, { kind: name })}><b>${shortCount(of(byKind, name))}</b><span>${name === "audit" ? "audit events" : `${name}s`}</span></a>`)}</div>
        <p class="small types">${byType.values.map((row) => html`<a key=${row.value} class="chip" href=${withQuery(route, { type: row.value })}>${row.value} <span class="muted">${count(row.count)}</span></a> `)}</p>
        <${LeastCounted} of=${[byPriority, byKind, byType].find((stats) => stats.isPartial)} />`}<//>
    <//>
    <${Timeline} query=${query} route=${route} />
    <${EventsPage} route=${route} path="events" hides=${["user_id"]} fixed=${{ user_id: id }} show=${["priority", "kind", "type", "source", "what", "rule", "from", "country"]} />`;
}

/** Nice steps, and how the service takes them. */
const steps = [[60, "1m"], [300, "5m"], [900, "15m"], [3600, "1h"], [7200, "2h"], [21_600, "6h"], [86_400, "1d"], [604_800, "7d"], [2_592_000, "30d"], [31_536_000, "365d"]];
const mostSteps = 90;

/** When it happened, from the first event to now, or in the window. */
function Timeline({ query, route }) {
  const found = useData(async (signal) => {
    const now = Math.floor(Date.now() / 1000);
    const instant = (text, other) => (text ? Math.floor(Date.parse(text) / 1000) : other);
    const span = spanSeconds(windowOf(route.query));
    const [first] = span || query.since ? [] : await readBody("events", { ...query, order: "asc", limit: 1 }, { signal });
    const to = instant(query.until, now);
    const from = span ? now - span : instant(query.since, instant(first?.time, to - 3600));
    const [step, every] = steps.find(([seconds]) => (to - from) / seconds <= mostSteps) ?? steps.at(-1);
    const until = Math.max(to, from + step);
    return { stats: await readStats({ ...query, since: new Date(from * 1000).toISOString(), until: new Date(until * 1000).toISOString(), by: "priority", every }, { signal }), step, from, to: until };
  }, [JSON.stringify(query)], { everyMs });
  return html`<${Card} id="timeline" title="When" more=${html`<span class="muted">${windowText(route.query)}</span>`}><div class="chart-room short"><${Loaded} of=${found} lines=${5}>${(data) => html`<${PriorityChart} key=${data.step} stats=${data.stats} stepSeconds=${data.step} from=${data.from} to=${data.to} height=${110} />`}<//></div><${LeastCounted} of=${found.data?.stats} /><//>`;
}

const of = (stats, value) => stats.values.find((row) => row.value === value)?.count ?? 0;
