// Events as a table: the same for alerts, for all events and for one person's. A row opens the event beside the table.
import { Component, html } from "./lib/htm-preact.js";
import { country, ruleText } from "./format.js";
import { nameOf, namesArrived } from "./people-names.js";
import { go, href, withQuery } from "./router.js";
import { Empty, Priority, Scroll, Time, visible } from "./ui.js";

/** What a column shows; only pages that name it have it. */
const columns = {
  priority: { head: "Priority", cell: (event) => html`<${Priority} of=${event.priority} />` },
  kind: { head: "Kind", cell: (event) => event.kind },
  type: { head: "Type", wide: true, cell: (event) => event.type },
  device: { head: "Device", cell: (event) => event.device ?? "" },
  source: { head: "Source", cell: (event) => event.source },
  person: { head: "Person", cell: (event, names) => (event.user_id ? html`<a href=${href(["people", event.user_id])} title=${event.user_id}>${visible(nameOf(names, event.user_id))}</a>` : html`<span class="muted">unknown</span>`) },
  rule: { head: "Attributed by", cell: (event) => html`<span class="muted" title=${ruleText(event.attribution)}>${ruleText({ ...event.attribution, address: null })}</span>` },
  what: { head: "Description", wide: true, cell: (event) => event.description ?? "" },
  from: { head: "From", cell: (event) => event.src_ip && html`<span class="mono">${event.src_ip}</span>` },
  to: { head: "To", cell: (event) => event.dst_ip && html`<span class="mono">${event.dst_ip}</span>` },
  country: { head: "Country", cell: (event) => event.country && html`<span title=${country(event.country)}>${event.country}</span>` },
};

/** Drawn again only when its event, its names or its being open changed: a live table moves many rows at a time. */
class Row extends Component {
  shouldComponentUpdate(next) {
    return next.event !== this.props.event || next.isOpen !== this.props.isOpen || namesArrived.get() !== this.namesShown || next.at !== this.props.at;
  }

  render({ event, show, names, isOpen, open }) {
    this.namesShown = namesArrived.get();
    const clicked = (click) => {
      if (click.target.closest("a, button") || getSelection().toString()) return;
      go(open(event));
    };
    return html`<tr data-row class=${isOpen ? "open" : ""} onClick=${clicked}>
      <td class="when"><a href=${open(event)} data-open aria-expanded=${isOpen}><${Time} at=${event.time} /></a></td>
      ${show.map((name) => html`<td key=${name} class=${`col-${name} ${columns[name].wide ? "wide" : ""}`}>${columns[name].cell(event, names)}</td>`)}
    </tr>`;
  }
}

export function EventTable({ events, show, names, route, caption, empty }) {
  if (events.length === 0) return html`<${Empty}>${empty}<//>`;
  const opened = route.query.get("event");
  const at = route.query.toString();
  const open = (event) => withQuery(route, { event: event.id === opened ? null : event.id }, { keepPage: true });
  return html`<${Scroll}><table class="events"><caption class="hidden">${caption}</caption>
    <thead><tr><th scope="col">Time</th>${show.map((name) => html`<th key=${name} scope="col" class=${`col-${name}`}>${columns[name].head}</th>`)}</tr></thead>
    <tbody>${events.map((event) => html`<${Row} key=${event.id} event=${event} show=${show} names=${names} at=${at} isOpen=${event.id === opened} open=${open} />`)}</tbody>
  </table><//>`;
}
