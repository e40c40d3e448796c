// Alerts and Events: one page over the same table. The address holds the filters, the window, the page and the open event.
import { html, useEffect, useState } from "../lib/htm-preact.js";
import { read } from "../api.js";
import { EventDetail } from "../event-detail.js";
import { ExportButtons } from "../export.js";
import { FilterBar, filterQuery } from "../filters.js";
import { count, plural } from "../format.js";
import { groupings, Groups } from "../groups.js";
import { followEvents } from "../live.js";
import { useNames } from "../people-names.js";
import { go, withQuery } from "../router.js";
import { EventTable } from "../table.js";
import { Loaded, useData } from "../ui.js";

const pageSize = 100;

/** Rows of a live table; older ones make room, and stay in the journal. */
const maxLive = 200;

export const Alerts = ({ route }) => html`<${EventsPage} route=${route} path="alerts" hides=${["kind"]} show=${["priority", "device", "what", "person", "from", "to", "country"]} />`;
export const Events = ({ route }) => html`<${EventsPage} route=${route} path="events" hides=${[]} show=${["priority", "kind", "type", "source", "what", "person", "from", "country"]} />`;

export function EventsPage({ route, path, hides, show, fixed = {} }) {
  const query = { ...filterQuery(route.query), ...fixed };
  const group = groupings.some(([name]) => name && name === route.query.get("group")) ? route.query.get("group") : "";
  const isLive = route.query.get("live") === "1" && !group;
  return html`
    <${FilterBar} route=${route} fixed=${path === "alerts" ? { kind: "alert" } : fixed} hides=${hides}>
      <label class="row">Show <select value=${group} onChange=${(event) => go(withQuery(route, { group: event.target.value, live: null }))}>${groupings.filter(([name]) => !hides.includes(name)).map(([name, text]) => html`<option key=${name} value=${name}>${text}</option>`)}</select></label>
      <button type="button" class=${isLive ? "on" : ""} aria-pressed=${isLive} onClick=${() => go(withQuery(route, { live: isLive ? null : "1", group: null }))}>Live ${isLive ? "on" : "off"}</button>
      <span class="push"><${ExportButtons} path=${path} query=${query} /></span>
    <//>
    <div class=${route.query.has("event") ? "with-detail" : ""}>
      ${group ? html`<${Groups} by=${group} path=${path} query=${query} route=${route} everyMs=${15_000} />`
        : html`<${List} key=${isLive} route=${route} path=${path} query=${query} isLive=${isLive} show=${show} />`}
      <${EventDetail} route=${route} />
    </div>`;
}

function List({ route, path, query, isLive, show }) {
  const cursor = isLive ? null : route.query.get("cursor");
  const asked = { ...query, limit: pageSize, cursor, order_by: route.query.get("order_by"), order: route.query.get("order") };
  const key = JSON.stringify(asked);
  const found = useData(async (signal) => ({ ...(await read(path, asked, { signal })), key }), [path, key]);
  const tail = useTail(isLive && found.data?.key === key ? found.data : null, path === "alerts" ? { ...query, kind: "alert" } : query);
  const events = tail.events ?? found.data?.body ?? [];
  const names = useNames(events.map((event) => event.user_id));
  return html`<section class="card ${found.isLoading && found.data ? "stale" : ""}">
    ${isLive && html`<p class="live-line" role="status"><span class="dot ${tail.state}" aria-hidden="true"></span> ${tail.state === "live" ? "Live" : "Connecting …"}: ${plural(tail.arrived, "new event")}${tail.skipped > 0 ? `, ${count(tail.skipped)} of them passed too fast to show` : ""}. The newest ${maxLive} are kept here, the newest arrival first.</p>`}
    <${Loaded} of=${found} lines=${12}>${(page) => html`
      <${EventTable} events=${events} show=${show} names=${names} route=${route} caption=${path === "alerts" ? "Alerts" : "Events"}
        empty=${isLive ? "Nothing yet that matches. What arrives appears here by itself." : cursor ? "No more." : "Nothing matches. Choose a longer window, or take a filter away."} />
      ${page.isPartial && html`<p class="muted">The service stopped looking after its deadline. Older goes on from there.</p>`}
      ${!isLive && html`<nav class="row pager" aria-label="Pages of the table">
        ${cursor && html`<a class="button" href=${withQuery(route, { event: null })}>Newest</a>`}
        ${page.nextCursor ? html`<a class="button" href=${withQuery(route, { cursor: page.nextCursor, event: null })} onClick=${() => scrollTo(0, 0)}>Older</a>` : events.length > 0 && html`<span class="muted">That is all of it.</span>`}
        ${found.isLoading && html`<span class="muted">asking …</span>`}
      </nav>`}`}<//>
  </section>`;
}

/** The page that was read, then whatever is committed after it: nothing between the two is missed, as the stream begins at the sequence the page ends with. */
function useTail(page, query) {
  const none = { events: null, state: "waiting", arrived: 0, skipped: 0 };
  const [tail, setTail] = useState(none);
  useEffect(() => {
    if (!page) {
      setTail(none);
      return undefined;
    }
    setTail({ ...none, events: page.body });
    return followEvents(query, page.sequence, {
      onState: (state) => setTail((was) => ({ ...was, state })),
      onBatch: (fresh, changed, skipped) => setTail((was) => ({
        ...was,
        events: merge(was.events ?? [], fresh, changed),
        arrived: was.arrived + fresh.length + skipped,
        skipped: was.skipped + skipped,
      })),
    });
  }, [page?.key, page === null]);
  return tail;
}

function merge(shown, fresh, changed) {
  const now = new Map(changed.map((event) => [event.id, event]));
  const arrived = new Set(fresh.map((event) => event.id));
  return [...fresh.toReversed(), ...shown.filter((event) => !arrived.has(event.id))].map((event) => now.get(event.id) ?? event).slice(0, maxLive);
}
