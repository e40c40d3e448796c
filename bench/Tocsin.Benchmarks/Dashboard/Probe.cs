namespace Tocsin.Benchmarks.Dashboard;

/// <summary>What runs inside the page: it notes every request with its stages, and says when something was drawn.</summary>
internal static class Probe
{
    /// <summary>
    /// <c>probe.until(done, from)</c> waits until <c>done</c> holds and the frame that shows it was drawn: the first task behind an animation frame.
    /// <c>probe.step(act, selectors, awaited)</c> does something and waits for the answers to all its requests that begin with one of <c>awaited</c>, at
    /// least one each, and for something at each selector. Times are milliseconds since the action.
    /// </summary>
    public const string Script = """
        window.probe = (() => {
          const asks = [];
          const frames = [];
          const long = [];
          let isCounting = false;
          const send = window.fetch.bind(window);
          window.fetch = async (url, options) => {
            const ask = { url: String(url), began: performance.now() };
            if (options?.method && options.method !== "GET") return send(url, options);
            asks.push(ask);
            if (asks.length > 500) asks.shift();
            try {
              const answer = await send(url, options);
              ask.head = performance.now();
              answer.json = async () => {
                const text = await answer.text();
                ask.body = performance.now();
                const value = JSON.parse(text);
                ask.bytes = text.length;
                ask.parsed = performance.now();
                return value;
              };
              return answer;
            } catch (error) {
              ask.isOver = true;
              throw error;
            }
          };
          new PerformanceObserver((list) => { for (const task of list.getEntries()) long.push(task.duration); }).observe({ type: "longtask", buffered: true });
          const task = () => new Promise((resolve) => { const channel = new MessageChannel(); channel.port1.onmessage = resolve; channel.port2.postMessage(0); });
          const frame = () => new Promise(requestAnimationFrame);
          const patienceMs = 30000;
          const until = async (done, from) => {
            for (;;) {
              await task();
              if (done()) break;
              if (performance.now() - from > patienceMs) throw new Error(`not drawn within ${patienceMs} ms: ${location.href} ${done}`);
              await new Promise((resolve) => setTimeout(resolve, 1));
            }
            await frame();
            await task();
            return performance.now() - from;
          };
          const there = (selectors) => selectors.every((selector) => document.querySelector(selector));
          const step = async (act, selectors, awaited) => {
            const from = performance.now();
            long.length = 0;
            act();
            const mine = (prefix) => asks.filter((ask) => ask.began >= from && !ask.isOver && ask.url.startsWith(prefix));
            const isAnswered = (prefix) => mine(prefix).length > 0 && mine(prefix).every((ask) => ask.parsed);
            const drawn = await until(() => awaited.every(isAnswered) && there(selectors), from);
            const begun = asks.filter((ask) => ask.began >= from && ask.began <= from + drawn);
            return {
              drawn, requests: begun.length, longest: Math.max(0, ...long),
              asks: awaited.flatMap(mine).filter((ask) => ask.parsed && ask.parsed <= from + drawn).map((ask) => ({
                url: ask.url, began: ask.began - from, served: ask.head - ask.began, read: ask.parsed - ask.head, drawn: drawn - (ask.parsed - from), bytes: ask.bytes,
              })),
            };
          };
          const isQuiet = () => asks.every((ask) => ask.parsed || ask.isOver || performance.now() - ask.began > 5000);
          const quiet = async () => {
            for (let calm = 0; calm < 4; calm = isQuiet() ? calm + 1 : 0) await new Promise((resolve) => setTimeout(resolve, 50));
          };
          const count = () => {
            if (isCounting) return;
            isCounting = true;
            const tick = (at) => { frames.push(at); requestAnimationFrame(tick); };
            requestAnimationFrame(tick);
          };
          const takeFrames = () => ({ frames: frames.splice(0), long: long.splice(0) });
          return { until, there, step, quiet, count, takeFrames };
        })();
        """;
}
