type Listener = (ms: number) => void;

/**
 * What plays the recording, for all parts of the page that follow it or move it; times are ms of the session.
 *
 * While it plays, listeners hear of each frame: who listens changes one element, never the state of a component.
 */
export class Playback {
  #audio: HTMLAudioElement | null = null;
  #loading = false;
  /** Whether more is recorded while it plays: a live session's file is longer than when it was loaded. */
  grows = false;
  readonly #listeners = new Set<Listener>();

  /** Takes over an element; the answer lets go of it. */
  attach(audio: HTMLAudioElement): () => void {
    this.#audio = audio;
    let frame = 0;
    const tell = () => {
      if (this.#loading) return; // it stands at 0 for that moment
      for (const listener of this.#listeners) listener(this.ms);
    };
    const follow = () => {
      tell();
      frame = requestAnimationFrame(follow);
    };
    const start = () => {
      cancelAnimationFrame(frame);
      follow();
    };
    const stop = () => {
      cancelAnimationFrame(frame);
      tell();
    };
    const ends = ["pause", "ended"] as const;
    audio.addEventListener("play", start);
    audio.addEventListener("seeking", tell);
    for (const end of ends) audio.addEventListener(end, stop);
    return () => {
      cancelAnimationFrame(frame);
      audio.removeEventListener("play", start);
      audio.removeEventListener("seeking", tell);
      for (const end of ends) audio.removeEventListener(end, stop);
      this.#audio = null;
    };
  }

  /** Where it is. */
  get ms(): number {
    return Math.round((this.#audio?.currentTime ?? 0) * 1000);
  }

  /** Goes there, or to the end if that is before; whether it plays stays as it is. */
  seek(ms: number): void {
    const audio = this.#audio;
    if (audio === null) return;
    const seconds = Math.max(ms, 0) / 1000;
    if (audio.readyState === 0 || (this.grows && seconds > audio.duration)) this.#loadAt(audio, seconds);
    else audio.currentTime = Math.min(seconds, audio.duration);
  }

  #loadAt(audio: HTMLAudioElement, seconds: number): void {
    const played = !audio.paused;
    this.#loading = true;
    audio.addEventListener(
      "loadedmetadata",
      () => {
        this.#loading = false;
        audio.currentTime = Math.min(seconds, audio.duration);
        if (played) void audio.play();
      },
      { once: true },
    );
    audio.load();
  }

  /** Goes on by `ms`, or back if it is negative. */
  skip(ms: number): void {
    this.seek(Math.min(this.ms + ms, (this.#audio?.duration || 0) * 1000));
  }

  toggle(): void {
    if (this.#audio?.paused)
      void this.#audio.play().catch(() => undefined); // the element tells its own errors
    else this.#audio?.pause();
  }

  /** Calls `listener` whenever the position changes; the answer ends that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
