// A live table: the page that was read, and whatever is committed after it.
import { useEffect, useRef, useState } from "./lib/htm-preact.js";
import { followEvents } from "./live.js";

/** Rows of a live table; older ones make room, and stay in the journal. */
export const maxLive = 200;

/** Where a table was switched off, by what it shows: switched on again soon, it goes on from there. */
const left = new Map();
const maxLeft = 20;
const resumeWithinMs = 60 * 60_000;

/** A table that stands still shows the journal up to here. */
export function leave(key, sequence) {
  left.delete(key);
  left.set(key, { sequence, at: Date.now() });
  if (left.size > maxLeft) left.delete(left.keys().next().value);
}

/**
 * Nothing between the page and the stream is missed, as the stream begins at the sequence the page ends with; nor what came while the table was off,
 * as it begins where it was left then. While somebody points at a row, or has the focus there, rows stand still and what arrives waits.
 */
export function useTail(page, query, key, place) {
  const none = { events: null, state: "waiting", arrived: 0, missed: 0, skipped: 0, waiting: 0 };
  const [tail, setTail] = useState(none);
  const held = useRef([]);
  useEffect(() => {
    if (!page) {
      setTail(none);
      return undefined;
    }
    held.current = [];
    const before = left.get(key);
    const from = before && Date.now() - before.at < resumeWithinMs && before.sequence < page.sequence ? before.sequence : page.sequence;
    let reached = page.sequence;
    setTail({ ...none, events: page.body });
    const isHeld = () => place.current?.matches(":has(tbody:hover)") || place.current?.querySelector("tbody")?.contains(document.activeElement);
    const show = () => {
      const batches = held.current;
      if (batches.length === 0) return;
      held.current = [];
      reached = Math.max(reached, ...batches.map((batch) => batch.fresh.at(-1)?.sequence ?? 0));
      setTail((was) => ({ ...batches.reduce(withBatch, was), waiting: 0 }));
    };
    const release = setInterval(() => isHeld() || show(), 500);
    const stop = followEvents(query, from, {
      onState: (state) => setTail((was) => ({ ...was, state })),
      onBatch: (fresh, changed, skipped) => {
        held.current.push({ fresh, changed, skipped, missed: fresh.filter((event) => event.sequence <= page.sequence).length });
        if (!isHeld()) return show();
        shorten(held.current);
        const batches = held.current;
        return setTail((was) => ({ ...was, waiting: batches.reduce(withBatch, was).arrived - was.arrived }));
      },
    });
    return () => {
      clearInterval(release);
      stop();
      leave(key, reached);
    };
  }, [page?.key, page === null]);
  return tail;
}

/** What waits is bounded as the table is: of more than it would show only the number is kept. */
function shorten(batches) {
  const [first, second] = batches;
  if (!second || batches.slice(1).reduce((sum, batch) => sum + batch.fresh.length, 0) < maxLive) return;
  batches.shift();
  second.skipped += first.skipped + first.fresh.length;
  second.missed += first.missed;
  second.changed = [...first.changed, ...second.changed].slice(-maxLive);
}

function withBatch(tail, { fresh, changed, missed, skipped }) {
  const now = new Map(changed.map((event) => [event.id, event]));
  const arrived = new Set(fresh.map((event) => event.id));
  const rest = (tail.events ?? []).filter((event) => !arrived.has(event.id));
  const late = latecomers(rest, [...now.values()].filter((event) => !arrived.has(event.id)));
  return {
    ...tail,
    events: [...late.toReversed(), ...fresh.toReversed(), ...rest].map((event) => now.get(event.id) ?? event).slice(0, maxLive),
    arrived: tail.arrived + fresh.length + late.length + skipped,
    missed: tail.missed + missed,
    skipped: tail.skipped + skipped,
  };
}

/**
 * Changed events that are not shown match only since they were changed, as one does that a person was found for late: for this table they arrive now.
 * A full table lacks older ones that matched all along, too: what happened before its last row is let go.
 */
function latecomers(shown, changed) {
  const there = new Set(shown.map((event) => event.id));
  const least = shown.length < maxLive ? -Infinity : Date.parse(shown.at(-1).time);
  return changed.filter((event) => !there.has(event.id) && Date.parse(event.time) >= least);
}
