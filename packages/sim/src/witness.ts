import { DialogHistory } from './history/dialog-history.ts'
import { type IsBlocked, PolicyHistory } from './history/policy-history.ts'
import type { World } from './loop/world.ts'
import type { Trace } from './trace.ts'

/** A NOTIFY that leaves. */
export interface LeavingNotify {
  readonly replica: string
  readonly presentity: string
  readonly watcher: string
  /** Name of the subscription. */
  readonly dialog: string
  readonly cseq: number
  readonly epoch: bigint
  readonly branch: string
  readonly hasContent: boolean
}

/** Sees everything that matters, and says what must not be. */
export class Witness {
  readonly #world: World
  readonly #trace: Trace
  readonly #policies = new PolicyHistory()
  readonly #dialogs = new DialogHistory()
  readonly #faults: string[] = []
  #notifies = 0
  /** Presentities that nobody touches any more: their watchers hear nothing. */
  readonly quiet = new Set<string>()
  /** Dialogs that an owner has ended before their time: by a policy, or because nobody was there. */
  readonly ended = new Set<string>()

  constructor(o: { world: World; trace: Trace }) {
    this.#world = o.world
    this.#trace = o.trace
  }

  get faults(): readonly string[] {
    return this.#faults
  }

  /** NOTIFYs that have left. */
  get notifies(): number {
    return this.#notifies
  }

  fault(text: string): void {
    this.#trace.note(`FAULT ${text}`)
    this.#faults.push(text)
  }

  policyStored(presentity: string, revision: bigint, isBlocked: IsBlocked): void {
    this.#policies.stored(presentity, { revision, atMs: this.#world.monotonic(), isBlocked })
  }

  policyAcknowledged(presentity: string, revision: bigint): void {
    this.#policies.acknowledged(presentity, { revision, atMs: this.#world.monotonic() })
  }

  left(notify: LeavingNotify): void {
    const { presentity, watcher, dialog, cseq, epoch, branch } = notify
    this.#notifies += 1
    const wrong = this.#dialogs.left({ dialog, cseq, epoch, branch })
    if (wrong) this.fault(wrong)
    if (this.quiet.has(presentity)) this.fault(`${watcher} was told of ${presentity}, whom nobody has touched`)
    if (!notify.hasContent) return
    const broken = this.#policies.broken({ presentity, watcher, atMs: this.#world.monotonic() })
    if (broken) this.fault(`${broken} (from ${notify.replica})`)
  }
}
