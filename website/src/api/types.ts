/** The answer of `GET /api/latest`, as the page uses it. Instants are milliseconds since 1970. */

export interface Place {
  readonly city: string;
  readonly country: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly listeners: number;
  /** A name of the IANA time zone database; empty when unknown. */
  readonly timeZone: string;
}

export interface Track {
  readonly id: string;
  readonly title: string | undefined;
  readonly artists: readonly string[];
  readonly artworkUrl: string | undefined;
}

export interface Session {
  readonly id: string;
  readonly track: Track;
  readonly listeners: number;
  /** Between the first two places. */
  readonly distanceKm: number;
  /** At least two. */
  readonly places: readonly [Place, Place, ...Place[]];
}

export interface Slot {
  readonly number: number;
  readonly startsAt: number;
  readonly endsAt: number;
  /** At least one; the first is featured. */
  readonly sessions: readonly [Session, ...Session[]];
}

export interface Latest {
  readonly slotMs: number;
  readonly current: Slot;
  readonly next: Slot | undefined;
  /** Newest first. */
  readonly recent: readonly Slot[];
}
