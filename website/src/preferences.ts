/** What the visitor chose, kept in their browser and sent nowhere. Where that is forbidden, it lasts until they leave. */

export interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const LANGUAGE = "language";
const PAUSED = "paused";

export class Preferences {
  readonly #values = new Map<string, string>();

  constructor(private readonly storage: () => Storage | undefined) {}

  get language(): string | undefined {
    return this.#read(LANGUAGE);
  }

  set language(tag: string) {
    this.#write(LANGUAGE, tag);
  }

  get isPaused(): boolean {
    return this.#read(PAUSED) === "yes";
  }

  set isPaused(isPaused: boolean) {
    this.#write(PAUSED, isPaused ? "yes" : "no");
  }

  #read(key: string): string | undefined {
    try {
      return this.storage()?.getItem(key) ?? this.#values.get(key);
    } catch {
      return this.#values.get(key);
    }
  }

  #write(key: string, value: string): void {
    this.#values.set(key, value);
    try {
      this.storage()?.setItem(key, value);
    } catch {
      // It is kept for this visit.
    }
  }
}
