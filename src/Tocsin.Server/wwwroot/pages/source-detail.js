// One source: its feeds, its last polls, and the records that could not be mapped, with the reason.
import { html, useState } from "../lib/htm-preact.js";
import { read, readBody } from "../api.js";
import * as format from "../format.js";
import { href } from "../router.js";
import { Age, Card, Empty, Loaded, Scroll, Status, Time, useData, useNow } from "../ui.js";
import { IntervalForm, NextRun, SourceActions } from "./sources.js";

const everyMs = 4000;
const rejectsShown = 50;
const recordShown = 2_000;

const counted = {
  polls: "Calls", succeeded: "Calls that went well", failed: "Calls that failed", events: "Events", duplicates: "Repeats, known already", changed: "Repeats that changed", rejected: "Kept aside",
  unattributed: "Nobody was found for", unknown_priorities: "Priority not known", possible_gaps: "Possible gaps", superseded: "Superseded by a newer version",
};

export function SourceDetail({ source, mayOperate, reload }) {
  const now = useNow();
  const path = `sources/${encodeURIComponent(source.name)}`;
  return html`
    <p class="crumbs"><a href=${href("sources")}>Sources</a> / <b>${source.name}</b></p>
    ${source.last_error && html`<div class="error" role="alert"><p>${source.last_error}</p></div>`}
    <div class="grid">
      <${Card} id="state" title=${source.name} more=${html`<${Status} of=${source.status} />`}>
        <dl class="facts">
          <dt>Kind</dt><dd>${source.kind}</dd>
          <dt>Complete as of</dt><dd><${Age} at=${source.last_success} now=${now} /></dd>
          <dt>Last run</dt><dd><${Age} at=${source.last_sync} now=${now} /></dd>
          <dt>Next run</dt><dd><${NextRun} source=${source} now=${now} /></dd>
          <dt>Newest record</dt><dd><${Time} at=${source.last_event_time} /></dd>
          <dt>Bookmark</dt><dd class="mono">${source.cursor ?? "none"}</dd>
          <dt>Failures in a row</dt><dd>${source.consecutive_failures}</dd>
        </dl>
        ${mayOperate ? html`<h3>Do</h3><${SourceActions} source=${source} reload=${reload} /><p></p><${IntervalForm} source=${source} reload=${reload} />` : html`<p class="muted small">Polled every ${format.interval(source.every_seconds)}. To sync, pause or change it, sign in with a token of scope operate.</p>`}
      <//>
      <${Card} id="counted" title="Counts" more=${html`<a href=${href("events", { window: "all", source: source.name })}>its events</a>`}>
        <dl class="facts">${Object.entries(source.counts).map(([name, n]) => html`<dt key=${name}>${counted[name] ?? name.replaceAll("_", " ")}</dt><dd class="tabular">${name === "events" && n > 0 ? html`<a href=${href("events", { window: "all", source: source.name })}>${format.count(n)}</a>` : name === "rejected" && n > 0 ? html`<a href="#rejects" onClick=${showRejects}>${format.count(n)}</a>` : format.count(n)}</dd>`)}</dl>
      <//>
    </div>
    <p></p>
    <${Card} id="feeds" title="Feeds"><${Scroll}><table class="roomy"><thead><tr><th scope="col">Feed</th><th scope="col">State</th><th scope="col">Complete as of</th><th scope="col" class="number">Records</th><th scope="col">What is wrong</th></tr></thead>
        <tbody>${source.feeds.map((feed) => html`<tr key=${feed.name}><th scope="row" class="mono">${feed.name}</th><td><${Status} of=${feed.status} /></td><td><${Age} at=${feed.last_success} now=${now} /></td><td class="number">${format.count(feed.records)}</td><td class="wrap bad">${feed.last_error ?? ""}</td></tr>`)}</tbody></table><//>
      <//>
    <${History} path=${path} />
    <${Rejects} path=${path} />`;
}

function showRejects(event) {
  event.preventDefault();
  document.getElementById("title-rejects").scrollIntoView({ block: "center" });
}

function History({ path }) {
  const syncs = useData((signal) => readBody(`${path}/syncs`, {}, { signal }), [path], { everyMs });
  const [all, setAll] = useState(false);
  return html`<${Card} id="syncs" title="Last polls"><${Loaded} of=${syncs} lines=${6}>${(rows) => rows.length === 0 ? html`<${Empty}>It has not been polled yet.<//>` : html`<${Scroll}><table class="roomy">
    <thead><tr><th scope="col">Began</th><th scope="col" class="number">Took</th><th scope="col">By</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Events</th><th scope="col" class="number">Repeats</th><th scope="col" class="number">Kept aside</th><th scope="col">Outcome</th></tr></thead>
    <tbody>${rows.slice(0, all ? rows.length : 10).map((sync) => html`<tr key=${`${sync.started_at}|${sync.run}`}>
      <td><${Time} at=${sync.started_at} /></td><td class="number">${sync.finished_at ? format.took(Date.parse(sync.finished_at) - Date.parse(sync.started_at)) : "…"}</td><td>${sync.trigger}</td>
      <td class="number">${format.count(sync.counts.polls)}</td><td class="number">${format.count(sync.counts.events)}</td><td class="number">${format.count(sync.counts.duplicates)}</td><td class="number">${format.count(sync.counts.rejected)}</td>
      <td class="wrap">${sync.error ? html`<span class="bad">${sync.error}</span>` : sync.failed_feeds > 0 ? html`<span class="bad">${format.plural(sync.failed_feeds, "feed")} of ${sync.feeds} failed</span>` : html`<span class="good">ok</span>`}</td></tr>`)}</tbody></table><//>
    ${rows.length > 10 && html`<p><button type="button" onClick=${() => setAll(!all)}>${all ? "Fewer" : `All ${rows.length}`}</button></p>`}`}<//><//>`;
}

function Rejects({ path }) {
  const [cursors, setCursors] = useState([]);
  const cursor = cursors.at(-1);
  const rejects = useData((signal) => read(`${path}/rejects`, { limit: rejectsShown, cursor }, { signal }), [path, cursor], { everyMs: cursor ? 0 : everyMs });
  return html`<${Card} id="rejects" title="Records kept aside" more=${html`<span class="muted small">They could not be mapped, and are tried again when the source's file changes.</span>`}>
    <${Loaded} of=${rejects}>${(page) => page.body.length === 0 ? html`<${Empty}>None: every record could be mapped.<//>` : html`<${Scroll}><table class="roomy">
      <thead><tr><th scope="col">Time</th><th scope="col">Reason</th><th scope="col" class="number">Times</th><th scope="col">Record</th></tr></thead>
      <tbody>${page.body.map((reject, i) => html`<tr key=${i}><td><${Time} at=${reject.time} /></td><td class="wrap">${reject.reason}</td><td class="number">${format.count(reject.count)}</td><td class="wrap mono"><${Beginning} of=${typeof reject.record === "string" ? reject.record : JSON.stringify(reject.record)} isCut=${reject.truncated} /></td></tr>`)}</tbody></table><//>
      <nav class="row pager" aria-label="Pages of records kept aside">${cursors.length > 0 && html`<button type="button" onClick=${() => setCursors(cursors.slice(0, -1))}>Back</button>`}${page.nextCursor && html`<button type="button" onClick=${() => setCursors([...cursors, page.nextCursor])}>More</button>`}</nav>`}<//>
  <//>`;
}

/** A record may have a megabyte: a row of the table shows what it is, and the API has the whole. */
function Beginning({ of, isCut }) {
  const more = of.length > recordShown || isCut;
  return html`${of.slice(0, recordShown)}${more && html`… <span class="muted">(${isCut ? "too large to be kept whole" : `${format.count(of.length)} characters in all`})</span>`}`;
}
