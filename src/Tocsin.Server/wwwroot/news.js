// What is new since this browser last looked: the place in the journal it had reached then, kept until it looks away.
import { readBody, read } from "./api.js";
import { memory } from "./store.js";

/** Arrivals counted at a time; when more came, their number is said to be a least. */
const maxLooked = 1000;
const kept = "last-look";

/** Where the last visit ended; the same during the whole of this one. */
let base = memory.get(kept);
let reached = null;
let counted = null;

addEventListener("pagehide", remember);
document.addEventListener("visibilitychange", () => document.hidden && remember());

function remember() {
  if (reached) memory.set(kept, reached);
}

function begin(at) {
  base = at;
  counted = { to: at.sequence, all: 0, critical: 0, high: 0, isMore: false };
}

/** From now on only what comes later is new. */
export function markAsSeen() {
  begin(reached);
  remember();
}

/** How many events arrived since then, and the grave ones among them. Each arrival is read once. */
export async function readNews(signal) {
  const { sequence } = await read("events", { limit: 1 }, { signal });
  const now = { sequence, at: new Date().toISOString() };
  // A first visit, or another journal than that of the last one: nothing is new.
  if (!base || base.sequence > sequence) begin(now);
  if (!counted) begin(base);
  if (sequence > counted.to) {
    const since = counted;
    const limit = Math.min(maxLooked, sequence - since.to);
    const fresh = (await readBody("events", { order_by: "sequence", limit }, { signal })).filter((event) => event.sequence > since.to);
    const of = (priority) => fresh.filter((event) => event.priority === priority).length;
    if (counted === since)
      counted = {
        to: Math.max(sequence, fresh[0]?.sequence ?? 0), all: since.all + fresh.length, critical: since.critical + of("critical"), high: since.high + of("high"),
        isMore: since.isMore || sequence - since.to > maxLooked,
      };
  }
  reached = now;
  return { since: base.at, from: base.sequence, ...counted };
}
