// Names for the ids of people, asked for in batches and kept. Where no file of people is configured, ids are all there is.
import { useEffect } from "./lib/htm-preact.js";
import { healed, readBody } from "./api.js";
import { createStore, useStore } from "./store.js";
import { health } from "./ui.js";

/** More are forgotten, the oldest first. */
const maxKept = 20_000;
const batchSize = 50;
const known = new Map();

/** How often names came: who shows some shows them anew then, whoever asked. */
export const namesArrived = createStore(0);

async function fetchNames(ids) {
  for (let i = 0; i < ids.length; i += batchSize) {
    const batch = ids.slice(i, i + batchSize);
    for (const id of batch) known.set(id, null);
    try {
      for (const person of await readBody("people", { user_id: batch, limit: 1000 })) known.set(person.user_id, person);
      namesArrived.set(namesArrived.get() + 1);
    } catch (error) {
      // Whether they have names is as unknown as before: the next who wants them asks again.
      for (const id of batch) if (known.get(id) === null) known.delete(id);
      throw error;
    }
  }
  for (const id of known.keys()) {
    if (known.size <= maxKept) break;
    known.delete(id);
  }
}

/** The people known among these ids, by id. */
export function useNames(ids) {
  useStore(namesArrived);
  const back = useStore(healed);
  const areThere = useStore(health)?.people?.rows > 0;
  const wanted = ids.filter((id) => id && id !== "unknown");
  useEffect(() => {
    const missing = [...new Set(wanted)].filter((id) => !known.has(id));
    if (missing.length === 0 || !areThere) return;
    fetchNames(missing).catch(() => {});
  }, [wanted.join("\n"), back, areThere]);
  return known;
}

export const nameOf = (names, id) => names.get(id)?.name ?? id;
