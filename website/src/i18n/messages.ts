/** All that the page says. Each language has a file with one of these: a message that lacks is an error of the compiler. */

/** One text for each plural category that the language has (Intl.PluralRules); `other` for the rest. */
export type Plural = { readonly other: string } & {
  readonly [category in Exclude<Intl.LDMLPluralRule, "other">]?: string;
};

/** In braces: what is put in. */
export interface Messages {
  /** The language, in itself. */
  readonly language: string;
  readonly direction: "ltr" | "rtl";
  /** {a} and {b} are cities, {song} a title. */
  readonly sentence: string;
  /** The same for a song without a title. */
  readonly sentenceUntitled: string;
  /** What a song without a title is called in the list. */
  readonly untitled: string;
  readonly rightNow: string;
  /** {time} of a pair of the past. */
  readonly earlier: string;
  readonly backToNow: string;
  /** {distance} with its unit. */
  readonly apart: string;
  /** {n} people. */
  readonly listeners: Plural;
  /** Heads the list of the pairs before the one that is on. */
  readonly recent: string;
  readonly recentEmpty: string;
  readonly pause: string;
  readonly resume: string;
  readonly chooseLanguage: string;
  readonly skip: string;
  readonly waitingForFirst: string;
  readonly waitingForNext: string;
  readonly reconnecting: string;
  readonly paused: string;
  readonly globe: string;
  readonly globeHelp: string;
  readonly footer: string;
}
