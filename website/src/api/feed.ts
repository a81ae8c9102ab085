/**
 * Keeps the page supplied with slots: by a stream where there is one, by questions in any case. Whatever fails is tried
 * again, later each time; nothing is ever taken back.
 */
import { LatestClient } from "./latest";
import { HORIZON, untilNextQuestion } from "./schedule";
import { Stream } from "./stream";
import type { Latest, Slot } from "./types";
import type { World } from "./world";

export interface FeedListener {
  /** A whole answer, in a language. */
  latest(latest: Latest, language: string): void;
  /** A slot was announced. */
  slot(slot: Slot): void;
  /** Whether the server answers, be it that it has nothing yet, has changed. */
  isConnected(isConnected: boolean): void;
}

export class Feed {
  readonly #client: LatestClient;
  readonly #stream: Stream;
  #language: string;
  #timer: unknown;
  #isRunning = false;
  #isStreaming = false;
  #isConnected = true;
  #failures = 0;
  #retryAfter: number | undefined;
  #knownUntil: number | undefined;
  #slotMs = 5000;
  /** Answers to questions of before are not listened to. */
  #round = 0;

  constructor(
    private readonly world: World,
    private readonly serverNow: () => number,
    private readonly listener: FeedListener,
    language: string,
  ) {
    this.#language = language;
    this.#client = new LatestClient(world);
    this.#stream = new Stream(world, {
      slot: (slot) => this.#announced(slot),
      isUp: (isUp) => this.#streaming(isUp),
    });
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#stream.open(this.#language);
    this.askNow();
  }

  /** Out of sight, nothing is asked. */
  stop(): void {
    this.#isRunning = false;
    this.#isStreaming = false;
    this.#round += 1;
    this.#stream.close();
    this.#clearTimer();
  }

  setLanguage(language: string): void {
    if (language === this.#language) return;
    this.#language = language;
    this.#isStreaming = false;
    if (!this.#isRunning) return;
    this.#stream.open(language);
    this.askNow();
  }

  /** Without waiting, as when the network is back. */
  askNow(): void {
    if (!this.#isRunning) return;
    this.#clearTimer();
    void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#round += 1;
    const round = this.#round;
    const language = this.#language;
    const outcome = await this.#client.ask(language);
    if (round !== this.#round) return;
    if (outcome.kind === "failed") {
      this.#failures += 1;
      this.#retryAfter = outcome.retryAfter;
    } else {
      this.#failures = 0;
      this.#retryAfter = undefined;
    }
    if (outcome.kind === "new") {
      const { latest } = outcome;
      this.#client.keep(outcome.tag);
      this.#slotMs = latest.slotMs;
      this.#knowUntil(latest.next ?? latest.current);
      this.listener.latest(latest, language);
    }
    this.#connected(outcome.kind !== "failed" || outcome.isConnected);
    this.#schedule();
  }

  #announced(slot: Slot): void {
    this.#failures = 0;
    this.#knowUntil(slot);
    this.listener.slot(slot);
    this.#connected(true);
    this.#schedule();
  }

  #streaming(isUp: boolean): void {
    if (this.#isStreaming === isUp) return;
    this.#isStreaming = isUp;
    this.#schedule();
  }

  #connected(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    this.listener.isConnected(isConnected);
  }

  #knowUntil(slot: Slot): void {
    const known = this.#knownUntil;
    const isBelievable = known !== undefined && known - this.serverNow() <= HORIZON;
    this.#knownUntil = isBelievable ? Math.max(known, slot.endsAt) : slot.endsAt;
  }

  #schedule(): void {
    if (!this.#isRunning) return;
    this.#clearTimer();
    const wait = untilNextQuestion({
      now: this.serverNow(),
      knownUntil: this.#knownUntil,
      slotMs: this.#slotMs,
      failures: this.#failures,
      retryAfter: this.#retryAfter,
      isStreaming: this.#isStreaming,
      random: this.world.random(),
    });
    this.#timer = this.world.setTimer(() => {
      this.#timer = undefined;
      void this.#ask();
    }, wait);
  }

  #clearTimer(): void {
    this.world.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
