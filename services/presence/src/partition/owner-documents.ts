import type { Clock, Impu } from '@rollcall/core'
import type { PresenceRules } from '@rollcall/policy'
import type { Lease } from '@rollcall/store'
import { decideXcap, type StoredDocument, type XcapOutcome } from '@rollcall/xcap'
import type { XmlElement } from '@rollcall/xml'
import type { Change } from '../actor/change.ts'
import { decide } from '../actor/decide.ts'
import { Documents, documentKey, isRulesKey } from '../actor/documents.ts'
import { policyOf } from '../actor/policy-of.ts'
import type { PresentityState } from '../actor/state.ts'
import type { Terms } from '../actor/terms.ts'
import { PartitionLostError } from '../errors.ts'
import { CHANGES_PER_RECORD_MAX, DOCUMENTS_MAX } from '../limits.ts'
import type { Commits } from './commits.ts'
import type { Lifetime } from './lifetime.ts'
import type { CurrentPolicy, DocumentAsk, PartitionLimits } from './owner-context.ts'
import type { Presentities } from './presentities.ts'
import type { WatcherDecisions } from './watcher-decisions.ts'

export interface OwnerDocumentsOptions {
  readonly clock: Clock
  readonly terms: Terms
  readonly limits: PartitionLimits
  readonly lease: Lease
  readonly presentities: Presentities
  readonly commits: Commits
  readonly decisions: WatcherDecisions
  readonly lifetime: Lifetime
  /** Resolves when what a change takes away from the presentity's watchers is not told by anybody any more. */
  readonly inForce: (presentity: Impu) => Promise<void>
}

/** What a document is from now on; undefined: it is removed. */
interface ChangedDocument {
  readonly key: string
  readonly document: StoredDocument | undefined
  readonly root: XmlElement | undefined
}

interface Decided {
  readonly outcome: XcapOutcome
  readonly isChanged: boolean
  readonly isRules: boolean
}

/** The XCAP documents of a partition's presentities: read, and changed as everything else is (decision 9). */
export class OwnerDocuments {
  readonly #o: OwnerDocumentsOptions
  /** Whose documents have changed and are not durable yet; as many as wait for an answer. */
  readonly #underWay = new Map<Impu, Promise<unknown>>()

  constructor(options: OwnerDocumentsOptions) {
    this.#o = options
  }

  /**
   * Decides an XCAP request for one of the presentity's documents. A change is durable when this resolves; one of rules
   * besides is in force: from then on no NOTIFY with content leaves for who is blocked now.
   *
   * @throws PartitionLostError
   */
  async ask(ask: DocumentAsk): Promise<XcapOutcome> {
    // guard: document-lease — another owner may have a newer version by now, and a refusal is said of this one
    if (!this.#o.lease.isLive) throw new PartitionLostError('lease-ended')
    const { presentity } = ask
    const { outcome, isChanged, isRules } = this.#decide(ask)
    if (outcome.kind !== 'write') {
      // guard: document-read-durable — what is not durable yet may never have been: nobody is told of it, or refused by it
      await this.#underWay.get(presentity)
      return outcome
    }
    // guard: document-durable — nothing that was answered 2xx may be lost, nor answered to who asks again before it is durable
    await this.#durable(presentity, isChanged)
    // guard: rules-sole — an owner before this one may still tell the watcher what it may not see any more
    if (isRules) await this.#o.inForce(presentity)
    return outcome
  }

  /** Decides, and commits a change. The tree that was read for it goes at once: many wait for the disk together. */
  #decide({ presentity, request, usage, newEtag, user, traceparent, read }: DocumentAsk): Decided {
    const key = documentKey(usage.auid, request.uri.document)
    const isRules = isRulesKey(key)
    const { documents } = this.#o.presentities.of(presentity)
    const stored = read ? read(documents) : documents?.get(key)
    const outcome = decideXcap(request, stored, usage, newEtag)
    if (outcome.kind !== 'write') return { outcome, isChanged: false, isRules }
    const { document, root } = outcome
    const isChanged = document?.etag !== stored?.etag
    if (isChanged) {
      if (document) this.#checkRoom(presentity, document, documents, stored)
      this.#change(presentity, { key, document, root }, user, traceparent)
    }
    return { outcome: { ...outcome, root: undefined }, isChanged, isRules }
  }

  #change(presentity: Impu, { key, document, root }: ChangedDocument, user: CurrentPolicy, traceparent: string): void {
    const { clock, commits, decisions, presentities } = this.#o
    const nowMs = clock.now()
    const changeWith = (rules?: PresenceRules): Change =>
      document ? { kind: 'document-stored', key, ...document, rules } : { kind: 'document-removed', key }
    const cause = { nowMs, traceparent, answered: undefined, pending: undefined, isSubscribe: false }
    if (isRulesKey(key) && decisions.isWatched(presentity)) {
      const documents = presentities.of(presentity).documents ?? new Documents()
      const rules = documents.rulesWith(key, document, root)
      // In the record of the rules: a log holds both, or neither.
      const decided = this.#decisionsUnder(presentity, rules, user, nowMs)
      commits.commit(presentity, [changeWith(rules), ...decided], cause)
    } else {
      commits.commit(presentity, [changeWith()], cause)
    }
    // Whoever has just left is concerned as well.
    if (isRulesKey(key)) decisions.decideAnew(presentity, user, traceparent)
  }

  /** What becomes of the watchers under other rules: as many as fit into the record of those. */
  #decisionsUnder(
    presentity: Impu,
    rules: PresenceRules | undefined,
    { policy: provisioned, impus }: CurrentPolicy,
    nowMs: number,
  ): readonly Change[] {
    const { presentities, terms } = this.#o
    const input = { kind: 'policy', policy: policyOf({ documents: { rules } }, provisioned), impus } as const
    const { changes } = decide(presentities.of(presentity), input, nowMs, terms)
    return changes.slice(0, CHANGES_PER_RECORD_MAX - 1)
  }

  /** @throws PartitionLostError when the document does not fit. */
  #checkRoom(
    presentity: Impu,
    { octets }: StoredDocument,
    documents: PresentityState['documents'],
    replaced: StoredDocument | undefined,
  ): void {
    const more = octets.length - (replaced?.octets.length ?? 0)
    const isOneMore = !replaced && (documents?.size ?? 0) >= DOCUMENTS_MAX
    if (isOneMore || this.#o.presentities.isFullForDocument(presentity, more, this.#o.limits)) {
      throw new PartitionLostError('partition-full')
    }
  }

  /**
   * Resolves when the presentity's documents are durable as they are now; whoever reads them meanwhile waits for the same.
   *
   * @param isChanged a record of ours says so; else one is written that says nothing, behind all that others wrote.
   */
  async #durable(presentity: Impu, isChanged: boolean): Promise<void> {
    const { commits, lifetime } = this.#o
    const durable = lifetime.within(isChanged ? commits.committed() : commits.flush())
    this.#underWay.set(presentity, durable)
    try {
      await durable
    } finally {
      if (this.#underWay.get(presentity) === durable) this.#underWay.delete(presentity)
    }
  }
}
