/** The page: puts together where slots come from, when they are shown, and how. */
import { Feed } from "./api/feed";
import type { World } from "./api/world";
import { statusOf } from "./card/status";
import { ServerClock } from "./clock";
import type { Globe } from "./globe/globe";
import { type Format, formatFor } from "./i18n/format";
import { chooseLanguage, isLanguage, type Language } from "./i18n/languages";
import type { Preferences } from "./preferences";
import { Tour } from "./tour";
import { View } from "./view";

/** How often it is looked at what changes by itself: the notches, the line that tells of waiting. */
const TICK = 500;

export class App {
  readonly #tour = new Tour();
  readonly #clock: ServerClock;
  readonly #feed: Feed;
  readonly #view: View;
  #format: Format;
  #isReduced = false;
  #switchTimer: unknown;
  #tickTimer: unknown;

  constructor(
    private readonly world: World,
    private readonly preferences: Preferences,
    private readonly globe: Globe,
    private readonly wanted: readonly string[],
  ) {
    const kept = preferences.language;
    const language = isLanguage(kept) ? kept : chooseLanguage(wanted);
    this.#format = formatFor(language, wanted);
    this.#tour.isPaused = preferences.isPaused;
    this.#clock = new ServerClock(world, () => this.#advance());
    this.#feed = new Feed(
      world,
      () => this.#clock.now(),
      {
        latest: (latest, names) => {
          this.#tour.learn(latest, names, this.#now());
          this.#advance();
        },
        slot: (slot) => {
          this.#tour.announce(slot, this.#now());
          this.#advance();
        },
        isConnected: (isConnected) => {
          this.#tour.isConnected = isConnected;
          this.#show();
        },
      },
      language,
    );
    this.#view = new View(globe, {
      choose: (number) => this.#choose(number),
      chooseLanguage: (chosen) => this.#setLanguage(chosen),
      togglePause: () => this.#togglePause(),
    });
    this.#show();
  }

  start(): void {
    this.#clock.start();
    this.#feed.start();
    // What was to come when the page went out of sight is still to come, or has.
    this.#advance();
    this.#tick();
  }

  /** Out of sight, nothing is asked and nothing is drawn. */
  stop(): void {
    this.#clock.stop();
    this.#feed.stop();
    this.world.clearTimer(this.#tickTimer);
    this.world.clearTimer(this.#switchTimer);
  }

  /** The network is back. */
  retry(): void {
    this.#feed.askNow();
  }

  setReduced(isReduced: boolean): void {
    this.#isReduced = isReduced;
    this.#show();
  }

  /** The server's time, as the tour wants it. */
  #now(): number {
    return this.#clock.isSynchronised ? this.#clock.now() : Number.NEGATIVE_INFINITY;
  }

  /** Shows what is to be shown now, and comes back when that changes. */
  #advance(): void {
    this.world.clearTimer(this.#switchTimer);
    const now = this.#now();
    this.#tour.advance(now);
    this.#show();
    const wait = this.#tour.untilNext(now);
    if (wait !== undefined) this.#switchTimer = this.world.setTimer(() => this.#advance(), wait);
  }

  #show(): void {
    const { isPaused, language } = this.#tour;
    const now = this.#now();
    this.#view.show({
      format: this.#format,
      showing: this.#tour.showing(now),
      isTranslated: language === this.#format.language,
      status: statusOf(this.#tour.situation(now), this.#format.messages),
      isPaused,
      isStill: isPaused || this.#isReduced,
    });
  }

  /** Twice a second: too seldom to cost anything. */
  #tick(): void {
    this.world.clearTimer(this.#tickTimer);
    this.#tickTimer = this.world.setTimer(() => this.#tick(), TICK);
    if (this.#tour.isOver(this.world.monotonic(), this.globe.isInHand)) this.#choose(undefined);
    else this.#show();
  }

  #choose(number: number | undefined): void {
    this.#tour.choose(number, this.world.monotonic());
    this.globe.letGo();
    this.#show();
  }

  #setLanguage(language: Language): void {
    this.preferences.language = language;
    this.#format = formatFor(language, this.wanted);
    this.#feed.setLanguage(language);
    this.#show();
  }

  #togglePause(): void {
    this.preferences.isPaused = !this.preferences.isPaused;
    this.#tour.isPaused = this.preferences.isPaused;
    this.#advance();
  }
}
