// Events as they are committed. What arrives is handed over in batches, a few times a second, so that a flood costs a page no more than a trickle.
import { address, checkConnection, healed } from "./api.js";

const batchMs = 250;

/** A tick that brings more than this is a flood: nobody reads along, and rows are drawn in fewer, larger batches. */
const flood = 40;
const floodBatchMs = 1000;
const returnMs = 2000;

/** More than this waits in no batch: the page shows fewer anyway, and says how many passed by. */
const maxWaiting = 500;

/**
 * Follows /events/stream from just after a sequence. The browser comes back by itself and names the last id it saw; where it gives up, this does
 * the same. A browser opens few connections to one service, and all its tabs share them: a page out of sight gives its own back, and goes on from the
 * last id when it is looked at again. onBatch(events, changed, skipped): new ones, earlier ones that were amended, and how many were more than a batch holds.
 */
export function followEvents(query, after, { onBatch, onState }) {
  let last = after;
  let stream = null;
  let fresh = [];
  let changed = [];
  let skipped = 0;
  let isOver = false;
  let comeback = null;

  let handedOver = 0;
  const timer = setInterval(() => {
    const waiting = fresh.length + changed.length;
    if (waiting === 0 || (waiting > flood && performance.now() - handedOver < floodBatchMs - batchMs / 2)) return;
    handedOver = performance.now();
    const batch = [fresh, changed, skipped];
    [fresh, changed, skipped] = [[], [], 0];
    onBatch(...batch);
  }, batchMs);

  const keep = (list, message) => {
    last = message.lastEventId || last;
    list.push(JSON.parse(message.data));
    if (list.length > maxWaiting) {
      list.shift();
      if (list === fresh) skipped++;
    }
  };

  const open = () => {
    clearTimeout(comeback);
    if (isOver || document.hidden) return;
    stream = new EventSource(address("events/stream", { ...query, last_event_id: last }));
    stream.onopen = () => onState("live");
    stream.onmessage = (message) => keep(fresh, message);
    stream.addEventListener("amended", (message) => keep(changed, message));
    stream.onerror = () => {
      onState("waiting");
      checkConnection();
      if (stream.readyState !== EventSource.CLOSED || isOver) return;
      comeback = setTimeout(open, returnMs);
    };
  };
  const reopen = () => {
    stream?.close();
    onState("waiting");
    open();
  };
  open();
  document.addEventListener("visibilitychange", reopen);
  // A stream whose packets were lost on the way looks open for hours.
  const unfollow = healed.follow(reopen);

  return () => {
    isOver = true;
    document.removeEventListener("visibilitychange", reopen);
    unfollow();
    clearInterval(timer);
    clearTimeout(comeback);
    stream?.close();
  };
}
