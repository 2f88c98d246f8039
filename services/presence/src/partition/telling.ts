import type { Timer } from '@rollcall/core'
import { mergeNotices, type Notice } from './notice.ts'

export type TellingState =
  /** In the queue of what may be sent. */
  | 'waiting'
  /** One NOTIFY is under way. */
  | 'in-flight'
  /** Nobody there: again after a while. */
  | 'backing-off'
  /** What it had to tell was decided anew meanwhile: it waits for what comes of that. */
  | 'held'
  /** It was told of a change a moment ago: the next change waits. */
  | 'resting'
  /** Nothing is told any more. */
  | 'over'

/** A dialog with something to tell, or told a moment ago. */
export class Telling {
  readonly id: string
  state: TellingState = 'resting'
  /** The one under way, or the next one; absent when the dialog only rests. */
  notice: Notice | undefined
  /** Came while one was under way. */
  next: Notice | undefined
  /** What waits must not rest: the watcher asked, or it is the last one. */
  isUrgent = false
  /** The interval since a change was told is not over. */
  isResting = false
  /** Counts what was sent, and what was taken back: a NOTIFY of an earlier count may not leave any more. */
  flight = 0
  /** As it was sent; absent when nothing is under way. */
  flown: Notice | undefined
  /** Hears of the end of what is under way. */
  whenLanded: (() => void) | undefined
  failures = 0
  firstFailureMs = 0
  timer: Timer | undefined
  /** Where it counts as not told yet, and with which sequence. */
  counted: { readonly isLate: boolean; readonly sequence: bigint } | undefined

  constructor(id: string) {
    this.id = id
  }

  /** Takes something more to tell: the newest state, in the name of all. */
  add(notice: Notice): void {
    if (this.state === 'in-flight') this.next = this.next ? mergeNotices(this.next, notice) : notice
    else this.notice = this.notice ? mergeNotices(this.notice, notice) : notice
    this.isUrgent ||= isUrgent(notice)
  }

  /** What was under way is not any more, however it ended. */
  land(): void {
    this.flown = undefined
    this.whenLanded?.()
    this.whenLanded = undefined
  }

  /** What is under way did not arrive: it and what came meanwhile are one. */
  rejoin(): void {
    if (this.notice && this.next) this.notice = mergeNotices(this.notice, this.next)
    this.next = undefined
    if (this.notice) this.isUrgent ||= isUrgent(this.notice)
  }

  /** What is under way has arrived: what came meanwhile is next, if anything. */
  advance(): void {
    this.failures = 0
    this.notice = this.next
    this.next = undefined
  }
}

/** RFC 6665 section 4.2.1.3: a SUBSCRIBE is followed by a NOTIFY at once. */
function isUrgent({ ended, cause }: Notice): boolean {
  return ended !== undefined || cause.isSubscribe
}
