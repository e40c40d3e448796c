// Alerts and Events: one page over the same table. The address holds the filters, the window, the page and the open event.
import { html, useEffect, useRef } from "../lib/htm-preact.js";
import { read } from "../api.js";
import { EventDetail } from "../event-detail.js";
import { ExportButtons } from "../export.js";
import { FilterBar, filterQuery, NothingMatches } from "../filters.js";
import { count, plural } from "../format.js";
import { groupings, Groups } from "../groups.js";
import { useNames } from "../people-names.js";
import { go, withQuery } from "../router.js";
import { EventTable } from "../table.js";
import { leave, maxLive, useTail } from "../tail.js";
import { Loaded, useData } from "../ui.js";

const pageSize = 100;

export const Alerts = ({ route }) => html`<${EventsPage} route=${route} path="alerts" hides=${["kind"]} show=${["priority", "device", "what", "person", "from", "to", "country"]} />`;
export const Events = ({ route }) => html`<${EventsPage} route=${route} path="events" hides=${[]} show=${["priority", "kind", "type", "source", "what", "person", "from", "country"]} />`;

/** What the chips show of the address that is no filter of the service. */
const newerThan = (query) => (/^\d+$/.test(query.get("newer") ?? "") ? Number(query.get("newer")) : null);

export function EventsPage({ route, path, hides, show, fixed = {} }) {
  const query = { ...filterQuery(route.query), ...fixed };
  const group = groupings.some(([name]) => name && name === route.query.get("group")) ? route.query.get("group") : "";
  const isLive = route.query.get("live") === "1" && !group;
  return html`
    <${FilterBar} route=${route} fixed=${path === "alerts" ? { kind: "alert" } : fixed} hides=${hides} search=${path === "alerts" ? "Search alerts" : "Search events"}>
      <label class="row">Show <select value=${group} onChange=${(event) => go(withQuery(route, { group: event.target.value, live: null, newer: null }))}>${groupings.filter(([name]) => !hides.includes(name)).map(([name, text]) => html`<option key=${name} value=${name}>${text}</option>`)}</select></label>
      <button type="button" class=${isLive ? "on" : ""} aria-pressed=${isLive} title="Shows what arrives by itself" onClick=${() => go(withQuery(route, { live: isLive ? null : "1", group: null, newer: null }))}>Live ${isLive ? "on" : "off"}</button>
      <span class="push row"><span class="muted" aria-hidden="true">Export</span><${ExportButtons} path=${path} query=${query} refusal=${newerThan(route.query) === null ? null : "A file has everything that matches, not only what is new: choose “Show the rest too” first."} /></span>
    <//>
    <div class=${route.query.has("event") ? "with-detail" : ""}>
      ${group ? html`<${Groups} by=${group} path=${path} query=${query} route=${route} everyMs=${15_000} />`
        : html`<${List} key=${isLive} route=${route} path=${path} query=${query} isLive=${isLive} show=${show} />`}
      <${EventDetail} route=${route} />
    </div>`;
}

function List({ route, path, query, isLive, show }) {
  const cursor = isLive ? null : route.query.get("cursor");
  const newer = isLive ? null : newerThan(route.query);
  const asked = { ...query, limit: isLive ? maxLive : pageSize, cursor, order_by: newer === null ? route.query.get("order_by") : "sequence", order: newer === null ? route.query.get("order") : null };
  const key = JSON.stringify([{ ...asked, limit: null }, newer]);
  const found = useData(async (signal) => {
    const page = await read(path, asked, { signal });
    const body = newer === null ? page.body : page.body.filter((event) => event.sequence > newer);
    return { ...page, body, nextCursor: body.length === page.body.length ? page.nextCursor : null, key };
  }, [path, key]);
  const place = useRef(null);
  const page = found.data?.key === key ? found.data : null;
  const tail = useTail(isLive ? page : null, path === "alerts" ? { ...query, kind: "alert" } : query, `${path} ${key}`, place);
  useEffect(() => (isLive || cursor || !page ? undefined : () => leave(`${path} ${key}`, page.sequence)), [page]);
  const events = tail.events ?? found.data?.body ?? [];
  const names = useNames(events.map((event) => event.user_id));
  // A place among the pages of one filter is none among those of another: until its own is there the link does nothing, and keeps the focus.
  const goOlder = (event) => (found.isStale ? event.preventDefault() : scrollTo(0, 0));
  return html`<section class="card ${found.isLoading && found.data ? "stale" : ""}" aria-label=${path === "alerts" ? "Alerts" : "Events"}>
    ${isLive && html`<${LiveLine} tail=${tail} />`}
    ${newer !== null && html`<p class="note">Only what arrived since you last looked, the newest arrival first. <a href=${withQuery(route, { newer: null })}>Show the rest too</a></p>`}
    <div ref=${place}><${Loaded} of=${found} lines=${12}>${(page) => html`
      <${EventTable} events=${events} show=${show} names=${names} route=${route} caption=${path === "alerts" ? "Alerts" : "Events"}
        empty=${isLive ? "Nothing yet that matches. What arrives appears here by itself." : cursor ? "No more." : html`<${NothingMatches} route=${route} />`} />
      ${page.isPartial && html`<p class="muted">The service stopped looking after its deadline. Older goes on from there.</p>`}
      ${!isLive && html`<nav class="row pager" aria-label="Pages of the table">
        ${cursor && html`<a class="button" href=${withQuery(route, { event: null })}>Newest</a>`}
        ${page.nextCursor ? html`<a class="button" href=${withQuery(route, { cursor: page.nextCursor, event: null })} onClick=${goOlder}>Older</a>` : events.length > 0 && html`<span class="muted">That is all of it.</span>`}
        ${found.isLoading && html`<span class="muted">asking …</span>`}
      </nav>`}`}<//></div>
  </section>`;
}

/** The numbers change several times a second: only the state is read out. */
function LiveLine({ tail }) {
  const state = tail.state === "live" ? "Live" : "Connecting …";
  return html`<p class="live-line"><span class="dot ${tail.state}" aria-hidden="true"></span> <span role="status">${state}</span>: ${plural(tail.arrived, "new event")}${tail.missed > 0 ? `, ${count(tail.missed)} of them while it was off` : ""}${tail.skipped > 0 ? `, ${count(tail.skipped)} passed too fast to show` : ""}. ${tail.waiting > 0 ? html`<b>Held while a row is pointed at or has the focus: ${count(tail.waiting)} wait.</b>` : html`<span class="muted">The newest arrivals stand first; ${maxLive} are kept here, all of them in the journal.</span>`}</p>`;
}
