// Events counted by one field instead of listed. A group leads to its events.
import { html } from "./lib/htm-preact.js";
import { read, readStats } from "./api.js";
import { count, plural } from "./format.js";
import { NothingMatches, valueText } from "./filters.js";
import { nameOf, useNames } from "./people-names.js";
import { withQuery } from "./router.js";
import { Bars, Loaded, useData } from "./ui.js";

const most = 200;

/** The service counts by fields, not by addresses: those are counted among the newest events. */
const looked = 1000;

export const groupings = [["", "list"], ["type", "by type"], ["device", "by device"], ["user_id", "by person"], ["country", "by country"], ["source", "by source"], ["ip", "by address"]];

async function countAddresses(path, query, signal) {
  const { body, nextCursor, isPartial } = await read(path, { ...query, limit: looked }, { signal });
  const counts = new Map();
  for (const event of body) for (const ip of new Set([event.src_ip, event.dst_ip])) if (ip) counts.set(ip, (counts.get(ip) ?? 0) + 1);
  const values = [...counts].map(([value, n]) => ({ value, count: n })).sort((a, b) => b.count - a.count);
  return { by: "ip", total: body.length, values: values.slice(0, most), others: 0, isPartial, note: nextCursor && body.length > 0 ? `Addresses among the newest ${plural(body.length, "event")}; narrow the filter for the rest.` : null };
}

export function Groups({ by, path, query, route, everyMs }) {
  const asked = path === "alerts" ? { ...query, kind: "alert" } : query;
  const found = useData((signal) => (by === "ip" ? countAddresses(path, query, signal) : readStats({ ...asked, by, limit: most }, { signal })), [by, JSON.stringify(asked)], { everyMs });
  const names = useNames(found.data?.by === "user_id" ? found.data.values.map((row) => row.value) : []);
  return html`<section class="card ${found.isStale ? "stale" : ""}"><${Loaded} of=${found} lines=${8}>${(data) => html`
    <p class="muted small">${data.isPartial ? "At least " : ""}${plural(data.total, path === "alerts" ? "alert" : "event")} in ${plural(data.values.length, "group")}${data.others > 0 ? `, and ${count(data.others)} events in smaller ones` : ""}${data.isPartial ? ": the service stopped counting after its deadline" : ""}. ${data.note}</p>
    <div class="long"><${Bars} caption="Events by group" head="Group" empty=${data.isPartial ? "None were reached." : html`<${NothingMatches} route=${route} />`}
      rows=${data.values.map((row) => {
        // By what they were counted: what is asked for by now may be another.
        const { by } = data;
        const value = row.value ?? (by === "user_id" ? "unknown" : null);
        return { key: value ?? "", label: value === null ? "none" : by === "user_id" ? nameOf(names, value) : valueText(by, value), title: value, count: row.count, href: value !== null && withQuery(route, { group: null, [by]: value }) };
      })} /></div>`}<//></section>`;
}
