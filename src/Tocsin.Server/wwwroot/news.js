// What is new since this browser last looked: the place in the journal it had reached then, kept until it looks away.
import { readBody, read } from "./api.js";
import { memory } from "./store.js";

const maxLooked = 1000;
const kept = "last-look";

/** Where the last visit ended; the same during the whole of this one. */
let base = memory.get(kept);
let reached = null;

addEventListener("pagehide", remember);
document.addEventListener("visibilitychange", () => document.hidden && remember());

function remember() {
  if (reached) memory.set(kept, reached);
}

/** From now on only what comes later is new. */
export function markAsSeen() {
  base = reached;
  remember();
}

/** Entries of the journal since then, and the grave ones among them; since is null on the first visit. */
export async function readNews(signal) {
  const { sequence } = await read("events", { limit: 1 }, { signal });
  reached = { sequence, at: new Date().toISOString() };
  base ??= reached;
  const isOther = base.sequence > sequence;
  if (isOther) base = reached;
  const grave = sequence === base.sequence ? [] : await readBody("events", { priority: ["critical", "high"], order_by: "sequence", limit: maxLooked }, { signal });
  const fresh = grave.filter((event) => event.sequence > base.sequence);
  return {
    since: base.at,
    entries: sequence - base.sequence,
    critical: fresh.filter((event) => event.priority === "critical").length,
    high: fresh.filter((event) => event.priority === "high").length,
    isMore: fresh.length === maxLooked,
  };
}
