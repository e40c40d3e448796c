// A value that pages share and follow: who is signed in, how the service is, whether it answers at all.
import { useEffect, useState } from "./lib/htm-preact.js";

export function createStore(value) {
  const followers = new Set();
  return {
    get: () => value,
    set(next) {
      if (next === value) return;
      value = next;
      for (const follower of [...followers]) follower(value);
    },
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}

export function useStore(store) {
  const [value, setValue] = useState(store.get());
  useEffect(() => {
    setValue(store.get());
    return store.follow((next) => setValue(next));
  }, [store]);
  return value;
}

/** What this browser remembers; a browser that keeps nothing forgets, and nothing else happens. */
export const memory = {
  get(name) {
    try {
      return JSON.parse(localStorage.getItem(`tocsin.${name}`));
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`tocsin.${name}`, JSON.stringify(value));
    } catch {
      // Private windows may refuse; the page works without.
    }
  },
};
