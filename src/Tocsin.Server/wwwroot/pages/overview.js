// What an operator sees first: is it well, what is happening, who is worst off. Every number leads to what it counts.
import { html } from "../lib/htm-preact.js";
import { readBody, readStats } from "../api.js";
import { readBoard } from "../board.js";
import { PriorityChart } from "../chart.js";
import * as format from "../format.js";
import { markAsSeen, readNews } from "../news.js";
import { nameOf, useNames } from "../people-names.js";
import { href, withQuery } from "../router.js";
import { useStore } from "../store.js";
import { Age, Bars, Card, Choices, Empty, health, LeastCounted, Loaded, useData, useNow } from "../ui.js";
import { WindowChoice, windowParameters, windowQuery, windowText } from "../window.js";

const fastMs = 5000;
const slowMs = 15_000;

/** Length and step of the chart, in seconds, and the step as the service takes it. */
const charts = { "2h": ["last 2 h", 7200, 60, "1m"], "24h": ["24 h", 86_400, 900, "15m"], "7d": ["7 d", 604_800, 7200, "2h"], "30d": ["30 d", 2_592_000, 21_600, "6h"] };

export function Overview({ route }) {
  const window = windowQuery(route.query);
  const key = JSON.stringify(window);
  const counts = useData((signal) => readStats({ by: "priority", ...window }, { signal }), [key], { everyMs: fastMs });
  const devices = useData((signal) => readStats({ by: "device", kind: "alert", limit: 8, ...window }, { signal }), [key], { everyMs: slowMs });
  const countries = useData((signal) => readStats({ by: "country", kind: "alert", limit: 8, ...window }, { signal }), [key], { everyMs: slowMs });
  const linked = (page, more) => href(page, { ...windowParameters(route.query), ...more });
  return html`
    <${SourceTiles} />
    <div class="with-side"><${Rates} route=${route} /><div class="stack"><${Errors} /><${RefusedPushes} /></div></div>
    <div class="bar"><${WindowChoice} route=${route} /><${News} /></div>
    <${Card} id="counts" title="Events by priority" more=${html`<span class="muted">${windowText(route.query)}</span>`}>
      <${Loaded} of=${counts} lines=${2}>${(stats) => html`<div class="figures">
        ${format.priorities.map((name) => html`<a key=${name} class="figure ${name}" href=${linked("events", { priority: name })}><b>${format.shortCount(countOf(stats, name))}</b><span>${name}</span></a>`)}
        <span class="figure"><b>${format.shortCount(countOf(stats, null))}</b><span>without priority</span></span>
        <a class="figure" href=${linked("events")}><b>${format.shortCount(stats.total)}</b><span>all</span></a></div><${LeastCounted} of=${stats} />`}<//>
    <//>
    <div class="grid">
      <${TopPeople} window=${window} params=${windowParameters(route.query)} />
      <${Card} id="devices" title="Alerts by device" more=${html`<a href=${linked("alerts", { group: "device" })}>all devices</a>`}>
        <${Loaded} of=${devices} lines=${8}>${(stats) => html`<${Bars} caption="Alerts by device" head="Device" empty=${noAlerts(stats)}
          rows=${stats.values.map((row) => ({ label: row.value ?? "none", count: row.count, href: row.value && linked("alerts", { device: row.value }) }))} />
          <${Others} of=${stats} what="devices" to=${linked("alerts", { group: "device" })} /><${LeastCounted} of=${stats} />`}<//>
      <//>
      <${Card} id="countries" title="Alerts by country" more=${html`<a href=${linked("alerts", { group: "country" })}>all countries</a>`}>
        <${Loaded} of=${countries} lines=${8}>${(stats) => html`<${Bars} caption="Alerts by country" head="Country" empty=${noAlerts(stats)}
          rows=${stats.values.map((row) => ({ label: row.value ? `${format.country(row.value)}` : "not known", key: row.value ?? "", count: row.count, href: row.value && linked("alerts", { country: row.value }) }))} />
          <${Others} of=${stats} what="countries" to=${linked("alerts", { group: "country" })} /><${LeastCounted} of=${stats} />`}<//>
      <//>
    </div>`;
}

const countOf = (stats, value) => stats.values.find((row) => row.value === value)?.count ?? 0;

const noAlerts = (stats) => (stats.isPartial ? "None were reached." : "No alerts in this window. Choose a longer one.");

const Others = ({ of, what, to }) => of.others > 0 && html`<p class="muted small"><a href=${to}>${format.count(of.others)} of other ${what}</a></p>`;

/** Late by more than three of its rounds, and a minute. */
const isLate = (source, now) => source.enabled && now - Date.parse(source.last_success ?? 0) > source.every_seconds * 3000 + 60_000;

function SourceTiles() {
  const sources = useData((signal) => readBody("sources", {}, { signal }), [], { everyMs: fastMs });
  const now = useNow();
  return html`<${Loaded} of=${sources} lines=${1}>${(all) => all.length === 0
    ? html`<${Empty}>No sources yet. Put a source file into the sources folder and start again, or <a href=${href("sources")}>try one</a>.<//>`
    : html`<ul class="tiles" aria-label="Sources">${all.map((source) => html`<li key=${source.name}><a href=${href(["sources", source.name])} class="tile ${source.enabled && source.consecutive_failures > 0 ? "failed" : source.status}">
        <b>${source.name}</b> <span class="status ${source.status}">${source.status}</span>
        <span class=${isLate(source, now) ? "bad" : "muted"}>complete as of <${Age} at=${source.last_success} now=${now} /></span>
        <span class="muted">${format.plural(source.counts.events, "event")}${source.counts.rejected > 0 ? `, ${format.count(source.counts.rejected)} kept aside` : ""}${source.consecutive_failures > 0 ? html`, <span class="bad">${format.plural(source.consecutive_failures, "failure")} in a row</span>` : ""}</span>
      </a></li>`)}</ul>`}<//>`;
}

function Rates({ route }) {
  const chosen = charts[route.query.get("chart")] ? route.query.get("chart") : "2h";
  const [, length, step, every] = charts[chosen];
  const series = useData(async (signal) => {
    const to = Math.floor(Date.now() / 1000);
    const stats = await readStats({ by: "priority", every, since: `-${length / 60}m` }, { signal });
    return { stats, from: to - length, to };
  }, [chosen], { everyMs: fastMs });
  const unit = { "1m": "minute", "15m": "15 minutes", "2h": "2 hours", "6h": "6 hours" }[every];
  return html`<${Card} id="rates" title=${`Events per ${unit}, by priority`} more=${html`<${Choices} label="Span of the chart" value=${chosen}
      options=${Object.entries(charts).map(([name, [text]]) => [name, text])} to=${(name) => withQuery(route, { chart: name === "2h" ? null : name })} />`}>
    <div class="chart-room"><${Loaded} of=${series} lines=${5}>${(data) => html`<${PriorityChart} key=${data.stats.every} stats=${data.stats} stepSeconds=${secondsOf(data.stats.every) ?? step} from=${data.from} to=${data.to} />`}<//></div><${LeastCounted} of=${series.data?.stats} />
  <//>`;
}

const secondsOf = (text) => Number.parseInt(text, 10) * { s: 1, m: 60, h: 3600, d: 86_400 }[text.at(-1)];

function News() {
  const news = useData(readNews, [], { everyMs: slowMs });
  if (!news.data) return html`<p class="news muted">${news.error ? "" : "Looking for what is new …"}</p>`;
  const { since, from, all, critical, high, isMore } = news.data;
  const at = html`<time datetime=${since} title=${format.utcTime(since)}>${format.localTime(since)}</time>`;
  if (all === 0) return html`<p class="news muted">Nothing new since you last looked, ${at}.</p>`;
  const linked = (more) => href("events", { window: "all", newer: from, ...more });
  const more = isMore ? "+" : "";
  return html`<p class="news"><a href=${linked()}>${format.count(all)}${more} new</a> since you last looked, ${at}: <a href=${linked({ priority: "critical" })}>${format.count(critical)}${more} critical</a>, <a href=${linked({ priority: "high" })}>${format.count(high)}${more} high</a>
    ${" "}<button type="button" onClick=${() => { markAsSeen(); news.reload(); }}>Mark as seen</button></p>`;
}

function TopPeople({ window, params }) {
  const board = useData((signal) => readBoard(window, signal), [JSON.stringify(window)], { everyMs: slowMs });
  const top = (board.data?.rows ?? []).filter((row) => row.id !== "unknown").slice(0, 8);
  const names = useNames(top.map((row) => row.id));
  return html`<${Card} id="top" title="People, by weighted priority" more=${html`<a href=${href("people", params)}>all people</a>`}>
    <${Loaded} of=${board} lines=${8}>${() => top.length === 0 ? html`<${Empty}>Nobody has incidents in this window. Choose a longer one.<//>`
      : html`<table class="dense"><caption class="hidden">The people with the heaviest incidents</caption><thead><tr><th scope="col">Person</th>${format.priorities.map((name) => html`<th key=${name} scope="col" class="number">${name}</th>`)}<th scope="col" class="number" title="critical 8, high 4, medium 2, low 1">weight</th></tr></thead>
        <tbody>${top.map((row) => html`<tr key=${row.id}><th scope="row"><a href=${href(["people", row.id], params)}>${nameOf(names, row.id)}</a></th>
          ${format.priorities.map((name) => html`<td key=${name} class="number">${row[name] > 0 ? html`<a class="plain" href=${href(["people", row.id], { ...params, priority: name, kind: "incident" })}>${format.count(row[name])}</a>` : html`<span class="faint">0</span>`}</td>`)}
          <td class="number">${format.count(row.weight)}</td></tr>`)}</tbody></table>`}<//>
  <//>`;
}

/** The service counts them since its start. */
function RefusedPushes() {
  const refused = useStore(health)?.pushes?.refused;
  return refused && html`<${Card} id="refused" title="Refused pushes, by code"><${Bars} caption="Refused pushes by code since the service started" head="Code" empty="None since the service started."
    rows=${refused.map((row) => ({ label: row.code, count: row.count }))} /><//>`;
}

/** What is wrong, one line each, with where to look. */
function Errors() {
  const now = useStore(health);
  if (!now?.sources) return null;
  const files = { geoip: "country data", owners: "file of owners", people: "file of people" };
  const lines = [
    now.store?.error && { what: "The store cannot be written", why: now.store.error, to: href("settings") },
    now.board?.error && { what: "The board does not follow", why: now.board.error, to: href("settings") },
    ...Object.entries(files).map(([name, text]) => now[name]?.error && { what: `The ${text} is refused`, why: now[name].error, to: href("settings") }),
    ...now.sources.filter((source) => source.last_error).map((source) => ({
      what: `${source.name} ${source.status === "paused" ? "is paused; it last failed" : source.consecutive_failures > 0 ? `failed ${source.consecutive_failures === 1 ? "once" : `${format.count(source.consecutive_failures)} times in a row`}` : "failed, and is well again"}`,
      why: source.last_error, to: href(["sources", source.name]),
    })),
  ].filter(Boolean);
  return html`<${Card} id="errors" title="Last errors" tone=${lines.length > 0 ? "wrong" : ""}>${lines.length === 0 ? html`<p class="empty good">Nothing is wrong.</p>`
    : html`<ul class="plain-list">${lines.map((line) => html`<li key=${line.what}><a href=${line.to}>${line.what}</a>: <span>${line.why}</span></li>`)}</ul>`}<//>`;
}
