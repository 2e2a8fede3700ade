// Plays the server of a viewer's socket within the page, as fast as one likes: put in before the page's own code.
(() => {
  const WORDS = "the harbour is open every morning and the ferry leaves at nine thirty from the old pier".split(" ");
  const SEGMENT_MS = 3_000;
  const DRAFTS = 10;
  let socket = null;
  let offset = 0;
  let segment = 0;
  let revision = 0;

  function tell(message) {
    offset += 1;
    socket.onmessage({ data: JSON.stringify({ position: { epoch: "e", offset }, ...message }) });
  }

  function words(count) {
    return Array.from({ length: count }, (_, at) => WORDS[(segment + at) % WORDS.length]).join(" ");
  }

  function transcript(type, text, more) {
    const start = segment * SEGMENT_MS;
    revision += 1;
    tell({
      type, segment_id: `s${segment}`, revision, text, start_ms: start, end_ms: start + 2_800,
      language: "en", confidence: 0.9, speaker: null, words: [], ...more,
    });
  }

  const server = {
    /** Whether the page is connected and has the snapshot. */
    isOpen: () => offset > 0,
    /** Any message, with the next position. */
    tell,
    /** One more draft of what is being said. */
    partial(count = 2 + (revision % DRAFTS)) {
      const stable = words(count);
      transcript("transcript.partial", `${stable} maybe`, { stable_text: stable, unstable_text: "maybe" });
    },
    /** What is being said becomes final, and is translated. */
    final(count = 2 + (segment % 14)) {
      const text = `${words(count)}.`;
      transcript("transcript.final", text);
      tell({
        type: "translation.final", segment_id: `s${segment}`, revision, target_language: "es",
        source_language: "en", text: `${text} (es)`, start_ms: segment * SEGMENT_MS,
        end_ms: segment * SEGMENT_MS + 2_800, engine: "test", glossary_missed: [],
      });
      segment += 1;
      revision = 0;
    },
    finals(count) {
      for (let done = 0; done < count; done += 1) server.final();
    },
    /** Seconds of speech: 20 drafts each, a final every three. */
    async replay(seconds) {
      for (let second = 0; second < seconds; second += 1) {
        for (let draft = 0; draft < 20; draft += 1) server.partial();
        if (second % 3 === 2) server.final();
        await new Promise(requestAnimationFrame);
      }
    },
    /** Drafts at their real pace, with a final every three seconds; what the frames were like in that time. */
    async measure(seconds) {
      const [gaps, tasks] = [[], []];
      const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((t) => t.duration)));
      observer.observe({ type: "longtask" });
      let drafts = 0;
      const timer = setInterval(() => {
        drafts += 1;
        if (drafts % 60 === 0) server.final();
        else server.partial();
      }, 50);
      const began = performance.now();
      let last = began;
      while (last - began < seconds * 1_000) {
        const now = await new Promise(requestAnimationFrame);
        gaps.push(now - last);
        last = now;
      }
      clearInterval(timer);
      observer.disconnect();
      return { gaps: gaps.slice(1), tasks, drafts };
    },
  };

  window.captionServer = server;
  window.WebSocket = class {
    bufferedAmount = 0;
    constructor() {
      socket = this;
      setTimeout(() => {
        this.onopen?.({});
        tell({
          type: "session.snapshot", session_id: "s", status: "live", recovered: true, truncated: false,
          targets: ["es"], finals: [], partial: null, translations: [],
        });
      });
    }
    send() {}
    close() {}
  };
})();
