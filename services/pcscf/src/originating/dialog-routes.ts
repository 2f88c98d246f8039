import type { Clock } from '@rollcall/core'

/** What we know of a dialog that a UE of ours made through us. */
export interface KnownDialog {
  /** The other end's tag. */
  readonly remoteTag: string
  /** The UE's route set without our own entries. */
  readonly route: readonly string[]
  /** Charging correlation: the same for all requests of the dialog (TS 24.229 clause 5.2.6.3.5). */
  readonly icid: string
  /** On the monotonic clock. */
  readonly expiresAtMs: number
}

/** How long after the subscription's end a dialog is remembered: a refresh may be under way. */
const BEYOND_EXPIRY_MS = 128_000

/**
 * Dialogs that UEs made through this process, so that what they send inside them takes the way it was made with. It is
 * memory alone: what is not here is checked less closely, not refused.
 */
export class DialogRoutes {
  readonly #clock: Clock
  readonly #max: number
  /** Oldest change first. */
  readonly #dialogs = new Map<string, KnownDialog>()

  constructor(clock: Clock, max: number) {
    this.#clock = clock
    this.#max = max
  }

  get size(): number {
    return this.#dialogs.size
  }

  find(key: string): KnownDialog | undefined {
    const dialog = this.#dialogs.get(key)
    return dialog && dialog.expiresAtMs > this.#clock.monotonic() ? dialog : undefined
  }

  /** Notes a dialog that was made, or goes on for `lifetimeMs`. The one that rested longest makes room. */
  note(key: string, dialog: Omit<KnownDialog, 'expiresAtMs'>, lifetimeMs: number): void {
    this.#dialogs.delete(key)
    this.#dialogs.set(key, { ...dialog, expiresAtMs: this.#clock.monotonic() + lifetimeMs + BEYOND_EXPIRY_MS })
    if (this.#dialogs.size <= this.#max) return
    const [oldest] = this.#dialogs.keys()
    if (oldest !== undefined) this.#dialogs.delete(oldest)
  }

  forget(key: string): void {
    this.#dialogs.delete(key)
  }

  /** Lets go of what is past its time. */
  sweep(): void {
    const nowMs = this.#clock.monotonic()
    for (const [key, { expiresAtMs }] of this.#dialogs) if (expiresAtMs <= nowMs) this.#dialogs.delete(key)
  }
}

/** Names a dialog by its UE, Call-ID and the UE's own tag. */
export function dialogKey(contactKey: string, callId: string, localTag: string): string {
  return JSON.stringify([contactKey, callId, localTag])
}
