// The small parts every page is made of. Text goes in as text nodes only.
import { html, useEffect, useRef, useState } from "./lib/htm-preact.js";
import { connectionLost, healed, readBody } from "./api.js";
import * as format from "./format.js";
import { createStore } from "./store.js";

/**
 * Asks, and asks again: when what it depends on changes, after a lost connection, and every so many milliseconds while the page is in sight.
 * What is there stays shown while the next answer is on its way, so that nothing jumps. An answer that is on its way is waited for: whoever asked anew
 * each time it is due would never see one that takes longer than that. isStale: what is there was asked for otherwise; where asking anew fails, it goes.
 */
export function useData(load, depends, { everyMs = 0 } = {}) {
  const key = JSON.stringify(depends);
  const [{ of, ...state }, setState] = useState({ data: null, of: key, error: null, isLoading: true });
  const running = useRef(null);
  const ask = useRef(null);
  ask.current = async () => {
    running.current?.abort();
    const mine = (running.current = new AbortController());
    try {
      const data = await load(mine.signal);
      if (!mine.signal.aborted) setState({ data, of: key, error: null, isLoading: false });
    } catch (error) {
      if (!mine.signal.aborted) setState((was) => ({ ...was, data: was.of === key ? was.data : null, error, isLoading: false }));
    }
    if (running.current === mine) running.current = null;
  };
  useEffect(() => {
    setState((was) => ({ ...was, isLoading: true }));
    ask.current();
    const again = () => document.hidden || connectionLost.get() || running.current || ask.current();
    const timer = everyMs ? setInterval(again, everyMs) : null;
    const unfollow = healed.follow(() => ask.current());
    document.addEventListener("visibilitychange", again);
    return () => {
      clearInterval(timer);
      unfollow();
      document.removeEventListener("visibilitychange", again);
      running.current?.abort();
    };
  }, [...depends, everyMs]);
  return { ...state, isStale: state.data !== null && of !== key, reload: () => ask.current() };
}

/** Ticks, for ages that grow older. */
export function useNow(everyMs = 1000) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Short messages at the bottom, read out by screen readers. */
export const toast = createStore(null);
export const say = (text, isBad = false) => toast.set({ text, isBad, at: Date.now() });

/** what: how the reader is told what to select where the browser refuses. */
export async function copyText(text, what) {
  try {
    // Over plain http from another machine there is no clipboard at all.
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say(`The browser did not let this page copy; select ${what} instead.`, true);
  }
}

/** Does something that changes the service, says how it went, and keeps the button from being pressed twice. */
export function useAction() {
  const [isBusy, setBusy] = useState(false);
  const run = async (work, done) => {
    setBusy(true);
    try {
      const result = await work();
      if (done) say(typeof done === "function" ? done(result) : done);
      return result;
    } catch (error) {
      say(error.message, true);
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return [run, isBusy];
}

export const Time = ({ at }) => (at ? html`<time datetime=${at} title=${format.utcTime(at)}>${format.localTime(at)}</time>` : html`<span class="muted">–</span>`);

export const Age = ({ at, now }) => html`<time datetime=${at ?? ""} title=${at ? format.utcTime(at) : ""}>${format.age(at, now)}</time>`;

export const Priority = ({ of }) => (of ? html`<span class="priority ${of}">${of}</span>` : html`<span class="muted">none</span>`);

export const Status = ({ of }) => html`<span class="status ${of}">${of}</span>`;

export function Card({ title, more, tone = "", children, id }) {
  return html`<section class="card ${tone}" aria-labelledby=${`title-${id}`}>
    <header><h2 id=${`title-${id}`}>${title}</h2>${more}</header>
    ${children}
  </section>`;
}

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

/** Beside counts, when they are not all. */
export const LeastCounted = ({ of }) => of?.isPartial && html`<p class="muted small">At least ${format.count(of.total)}: the service stopped counting after its deadline.</p>`;

/** What went wrong, and what to do next. */
export function ErrorBox({ error, retry }) {
  const next = error.status === 401 ? "Sign in to see this."
    : error.status === 403 ? "Sign in with a token that has this scope."
    : error.status === 0 ? null : "Look at the log of the service if it stays.";
  return html`<div class="error" role="alert"><p>${error.message} ${next}</p>${retry && html`<button type="button" onClick=${retry}>Try again</button>`}</div>`;
}

/** The data when there is some; else that it is asked for, or why it is not there. */
export function Loaded({ of, children, lines = 3 }) {
  if (of.error && !of.data) return html`<${ErrorBox} error=${of.error} retry=${of.reload} />`;
  if (!of.data) return html`<div class="skeleton" role="progressbar" aria-label="loading">${Array.from({ length: lines }, () => html`<span></span>`)}</div>`;
  return html`${of.error && of.error.status !== 0 && html`<${ErrorBox} error=${of.error} retry=${of.reload} />`}${children(of.data)}`;
}

/** Room for a table that may be wider than the page; with the keys it scrolls only where there is something to scroll to. */
export function Scroll({ children, label }) {
  const place = useRef(null);
  const [isWider, setWider] = useState(false);
  useEffect(() => {
    const observer = new ResizeObserver(() => place.current && setWider(place.current.scrollWidth > place.current.clientWidth + 1));
    observer.observe(place.current);
    if (place.current.firstElementChild) observer.observe(place.current.firstElementChild);
    return () => observer.disconnect();
  }, []);
  return html`<div class="scroll" ref=${place} tabindex=${isWider ? 0 : undefined} role=${isWider ? "group" : undefined} aria-label=${isWider ? label ?? "A wide table" : undefined}>${children}</div>`;
}

/** What consists of blanks is shown in quotes, so that it can be seen and named. */
export const visible = (text) => (/\S/.test(text.replace(/\p{Cf}|\p{Cc}/gu, "")) ? text : JSON.stringify(text));

/** A table of names and counts with bars; each name leads to what was counted. */
export function Bars({ caption, rows, head, empty }) {
  if (rows.length === 0) return html`<${Empty}>${empty ?? "Nothing in this window."}<//>`;
  const most = Math.max(...rows.map((row) => row.count), 1);
  return html`<table class="bars"><caption class="hidden">${caption}</caption>
    <thead class="hidden"><tr><th scope="col">${head}</th><th scope="col">Share</th><th scope="col">Count</th></tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.key ?? row.label}>
      <th scope="row">${row.href ? html`<a href=${row.href} title=${row.title ?? row.label}>${visible(row.label)}</a>` : html`<span title=${row.label}>${visible(row.label)}</span>`}</th>
      <td class="bar" aria-hidden="true"><i class=${row.tone ?? ""} style=${{ width: `${Math.max(1, (row.count / most) * 100)}%` }}></i></td>
      <td class="number">${format.count(row.count)}</td></tr>`)}</tbody></table>`;
}

/** Choices of which one counts. Links, so that each has an address. */
export const Choices = ({ label, options, value, to }) => html`<div class="choices" role="group" aria-label=${label}>
  ${options.map(([name, text]) => html`<a key=${name} href=${to(name)} class=${name === value ? "on" : ""} aria-current=${name === value ? "true" : undefined}>${text}</a>`)}</div>`;

/** How the service is, followed by the bar at the top and by the pages that say where data comes from. */
export const health = createStore(null);

export async function refreshHealth() {
  try {
    health.set(await readBody("health"));
  } catch (error) {
    // A problem has a status as well, a number: that says nothing about health.
    if (typeof error.body?.status !== "string") return;
    health.set(error.body.version ? error.body : { ...health.get(), status: error.body.status });
  }
}
