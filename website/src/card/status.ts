/** The quiet line that says what the page waits for. */
import type { Messages } from "../i18n/messages";

export interface Situation {
  readonly isPaused: boolean;
  readonly isConnected: boolean;
  /** Milliseconds since the current slot should have been followed by another; undefined while nothing is on. */
  readonly overdue: number | undefined;
  readonly slotMs: number;
}

/** Whether a pair whose slot ended `over` milliseconds ago (less than 0: will end) is still what happens right now. */
export function isRightNow(
  over: number,
  { isPaused, isConnected, slotMs }: Omit<Situation, "overdue">,
): boolean {
  return isPaused || !isConnected ? over < 0 : over <= PATIENCE * slotMs;
}

/** Slots without a next one after which the page says that it waits. */
const PATIENCE = 1.5;

export function statusOf(situation: Situation, messages: Messages): string {
  const { isPaused, isConnected, overdue, slotMs } = situation;
  if (isPaused) return messages.paused;
  if (!isConnected) return messages.reconnecting;
  return overdue !== undefined && overdue > PATIENCE * slotMs ? messages.waitingForNext : "";
}
