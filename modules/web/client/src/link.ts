import { socketUrl, subprotocols } from "./address.ts";
import { Backoff } from "./backoff.ts";
import type { Environment, WebSocketLike } from "./environment.ts";
import { DragomanError, refusal } from "./errors.ts";
import { type Hearing, type LinkUser, parsed } from "./hearing.ts";
import { CloseCode, type ErrorMessage } from "./messages.gen.ts";
import { type ConnectionState, type NextStep, type Reason, reasonOf, whatToDo } from "./state.ts";

const TICK_MS = 1_000;
/** From an attempt to the server's first message. */
const OPEN_LIMIT_MS = 10_000;
/** A connection that lasted so long had worked: its end is a new outage. */
const STABLE_MS = 5_000;
/** Ticks that are so far apart mean that the machine slept; a hidden page is woken once a minute. */
const SLEEP_MS = 75_000;
/** How soon something must be heard once the network is back, where a connection seems to have outlasted that. */
const BACK_ONLINE_MS = 5_000;

/** Keeps one socket: makes it, makes it again, and knows when not to. */
export class Link {
  state: ConnectionState = { name: "connecting", reason: null, error: null };
  readonly #user: LinkUser;
  readonly #environment: Environment;
  readonly #backoff: Backoff;
  #socket: WebSocketLike | null = null;
  /** Counts attempts: what an older one comes up with is not listened to. */
  #attempt = 0;
  #error: ErrorMessage | null = null;
  #retry: unknown = null;
  #ticker: unknown = null;
  #tickedAt = 0;
  #beganAt = 0;
  #openAt = 0;
  #heardAt = 0;
  #wasOffline = false;
  #backOnlineAt = 0;

  constructor(user: LinkUser, environment: Environment) {
    this.#user = user;
    this.#environment = environment;
    this.#backoff = new Backoff(environment.clock.random);
    environment.network?.addEventListener("online", this.#online);
    environment.network?.addEventListener("offline", this.#offline);
    this.#tickedAt = environment.clock.now();
    this.#tickLater();
    void this.#connect();
  }

  get isOver(): boolean {
    return this.state.name === "ended" || this.state.name === "refused";
  }

  /** The open socket, after the server's greeting. */
  get openSocket(): WebSocketLike | null {
    return this.state.name === "open" ? this.#socket : null;
  }

  /** Send on a socket that may not be greeted yet. */
  send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  /** Connect now if it was to be later. */
  wake(): void {
    if (this.state.name === "waiting" || this.state.name === "parked")
      this.#connectNow({ reason: null, error: null, ...this.state });
  }

  /** Give the socket up and connect anew, at once if this did not just happen. */
  reconnect(reason: Reason): void {
    if (this.isOver) return;
    this.#dropSocket();
    this.#follow("at-once", reason, false);
  }

  /** It is over: by our own will, or because the session is. */
  end(reason: "end" | "closed"): void {
    this.#finish({ name: "ended", reason });
  }

  /** It is over, and why. */
  refuse(error: DragomanError): void {
    this.#finish({ name: "refused", error });
  }

  // --- connecting -----------------------------------------------------------------------------------------

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt;
    const { clock, credential } = this.#environment;
    this.#beganAt = this.#heardAt = clock.now();
    this.#error = null;
    let given: string;
    try {
      // Not within the constructor, where it would be heard by who is not made yet.
      given = await Promise.resolve().then(credential);
    } catch {
      // Its error is the caller's, and may hold what must not be shown.
      if (attempt === this.#attempt) this.#follow("after-pause", "no-credential", false);
      return;
    }
    if (attempt !== this.#attempt) return;
    try {
      this.#open(given);
    } catch (error) {
      this.refuse(error instanceof DragomanError ? error : this.#cannotOpen());
    }
  }

  #open(credential: string): void {
    const { webSocket, baseUrl } = this.#environment;
    const socket = new webSocket(socketUrl(baseUrl, this.#user.place()), subprotocols(credential));
    this.#socket = socket;
    socket.onopen = () => this.#note(this.#user.opened());
    socket.onmessage = ({ data }) => this.#hear(data);
    // A close follows every error, and says as much.
    socket.onerror = () => {};
    socket.onclose = ({ code }) => this.#closed(code);
  }

  #cannotOpen(): DragomanError {
    // Not the browser's own text: it may name the subprotocols.
    return new DragomanError(
      "invalid_address",
      `a WebSocket to ${this.#environment.baseUrl.host} cannot be made from here`,
      "Check the address; a page from https needs an https server.",
    );
  }

  #connectNow({ reason, error }: { reason: Reason | null; error: ErrorMessage | null }): void {
    this.#environment.clock.clearTimeout(this.#retry);
    this.#become({ name: "connecting", reason, error });
    if (this.state.name === "connecting") void this.#connect();
  }

  // --- a socket -------------------------------------------------------------------------------------------

  #hear(data: unknown): void {
    const message = parsed(data);
    if (message === null) return;
    this.#heardAt = this.#environment.clock.now();
    this.#backOnlineAt = 0;
    if (message.type === "error") this.#error = message as ErrorMessage;
    const attempt = this.#attempt;
    const hearing = this.#user.heard(message);
    // Who heard it may have given the socket up.
    if (attempt === this.#attempt) this.#note(hearing);
  }

  #note(hearing: Hearing): void {
    if (hearing === "healthy") this.#backoff.reset();
    if (hearing !== "other" && this.state.name === "connecting") {
      this.#openAt = this.#environment.clock.now();
      this.#become({ name: "open" });
    }
  }

  #closed(closeCode: number): void {
    this.#dropSocket();
    const step = this.#user.lost(closeCode) ?? whatToDo(closeCode);
    if (step === "done") this.end("end");
    else if (step === "give-up") this.refuse(refusal(closeCode, this.#error));
    else if (step === "park") this.#become({ name: "parked" });
    else {
      const asksForPause = closeCode >= CloseCode.BUS_UNAVAILABLE && closeCode < CloseCode.BAD_REQUEST;
      this.#follow(step, reasonOf(closeCode), asksForPause);
    }
  }

  /** Connect again, now or later. */
  #follow(step: NextStep, reason: Reason, asksForPause: boolean): void {
    if (this.isOver) return;
    const { clock } = this.#environment;
    const wasStable = this.state.name === "open" && clock.now() - this.#openAt >= STABLE_MS;
    if (wasStable) this.#backoff.reset();
    const retryInMs = this.#backoff.nextMs(step, asksForPause);
    const error = this.#error;
    if (retryInMs === 0) {
      this.#connectNow({ reason, error });
      return;
    }
    clock.clearTimeout(this.#retry);
    this.#retry = clock.setTimeout(() => this.#connectNow({ reason, error }), retryInMs);
    this.#become({ name: "waiting", retryInMs, reason, error });
  }

  #dropSocket(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#attempt += 1;
    this.#backOnlineAt = 0;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(CloseCode.NORMAL);
  }

  // --- life -----------------------------------------------------------------------------------------------

  #become(state: ConnectionState): void {
    if (this.isOver) return;
    this.state = state;
    this.#user.changed(state);
  }

  #finish(state: ConnectionState): void {
    if (this.isOver) return;
    const { clock, network } = this.#environment;
    this.#dropSocket();
    clock.clearTimeout(this.#retry);
    clock.clearTimeout(this.#ticker);
    network?.removeEventListener("online", this.#online);
    network?.removeEventListener("offline", this.#offline);
    this.#become(state);
  }

  #tickLater(): void {
    this.#ticker = this.#environment.clock.setTimeout(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const now = this.#environment.clock.now();
    const slept = now - this.#tickedAt > SLEEP_MS;
    this.#tickedAt = now;
    this.#tickLater();
    if (this.state.name === "connecting" && now - this.#beganAt > OPEN_LIMIT_MS) {
      this.#dropSocket();
      this.#follow("after-pause", "no-answer", false);
    } else if (this.state.name === "open") {
      const isSuspect = this.#backOnlineAt > 0 && now - this.#backOnlineAt > BACK_ONLINE_MS;
      if (slept || isSuspect || this.#user.isDead(now, this.#heardAt)) this.reconnect("no-answer");
    }
  }

  readonly #offline = (): void => {
    this.#wasOffline = true;
  };

  readonly #online = (): void => {
    const { name } = this.state;
    if (name === "waiting") this.wake();
    else if (this.state.name === "connecting") {
      // An attempt that was begun without a network may hang.
      this.#dropSocket();
      this.#connectNow(this.state);
    } else if (name === "open" && this.#wasOffline) {
      this.#backOnlineAt = this.#environment.clock.now();
    }
    this.#wasOffline = false;
  };
}
