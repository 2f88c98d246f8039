/** What one revision of a presentity's policy says of a watcher. */
export type IsBlocked = (watcher: string) => boolean

/** A NOTIFY with content, at the moment when it left its sender. */
export interface ContentLeft {
  readonly presentity: string
  readonly watcher: string
  readonly atMs: number
}

interface Revision {
  readonly revision: bigint
  readonly storedAtMs: number
  readonly isBlocked: IsBlocked
}

interface Acknowledged {
  readonly revision: bigint
  readonly atMs: number
}

/** The history of one presentity's policy. */
interface PolicyOf {
  readonly revisions: Revision[]
  readonly acknowledged: Acknowledged[]
}

/**
 * Judges NOTIFYs by what operators were told: after the acknowledgement of a change that blocks a watcher, no NOTIFY with
 * content leaves for it until a later change allows it again.
 *
 * A change counts as allowing from when it may first be in force (`stored`: when it was written, or, seen from outside,
 * when it was asked for), and as blocking from its acknowledgement, which covers all revisions up to its own. Moments are
 * of one clock; where a NOTIFY's leaving is not seen, take the earliest that it may have been.
 */
export class PolicyHistory {
  readonly #policies = new Map<string, PolicyOf>()

  /** A revision may be in force from now on. Revisions of one presentity come in their order. */
  stored(presentity: string, o: { revision: bigint; atMs: number; isBlocked: IsBlocked }): void {
    const { revision, atMs, isBlocked } = o
    this.#of(presentity).revisions.push({ revision, storedAtMs: atMs, isBlocked })
  }

  /** The operator was told that this revision, or a later one, is in force. */
  acknowledged(presentity: string, o: { revision: bigint; atMs: number }): void {
    this.#of(presentity).acknowledged.push(o)
  }

  /** Was it promised that this NOTIFY would not leave? Gives the promise that was broken, in words. */
  broken({ presentity, watcher, atMs }: ContentLeft): string | undefined {
    const policy = this.#policies.get(presentity)
    let promised: Acknowledged | undefined
    for (const one of policy?.acknowledged ?? []) {
      if (one.atMs <= atMs && (!promised || one.revision > promised.revision)) promised = one
    }
    if (!policy || !promised) return undefined
    const { revision } = promised
    const inForce = policy.revisions.filter((one) => one.revision >= revision && one.storedAtMs <= atMs)
    if (inForce.length === 0 || !inForce.every(({ isBlocked }) => isBlocked(watcher))) return undefined
    return (
      `a NOTIFY with content of ${presentity} left for ${watcher} at ${atMs} ms, ` +
      `though revision ${revision}, which blocks it, was acknowledged at ${promised.atMs} ms`
    )
  }

  #of(presentity: string): PolicyOf {
    const known = this.#policies.get(presentity)
    if (known) return known
    const fresh = { revisions: [], acknowledged: [] }
    this.#policies.set(presentity, fresh)
    return fresh
  }
}
