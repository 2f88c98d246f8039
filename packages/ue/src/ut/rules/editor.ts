import type { Impu } from '@rollcall/core'
import { XcapConditionError, XcapNotFoundError, XcapRefusedError } from '../errors.ts'
import { XCAP_ELEMENT, type XcapClient, type XcapWritten } from '../xcap-client.ts'
import { nodeSelector, userDocument } from '../xcap-selector.ts'
import type { Handling } from './handling.ts'
import { planHandling, type RuleEdit } from './plan.ts'
import { firstDocument } from './rules-text.ts'
import { COMMON_POLICY, type RuleView, readRules } from './rules-view.ts'

/** A user's rules as they are at the server. */
export interface RulesDocument {
  readonly body: Buffer
  readonly etag: string | undefined
  readonly rules: readonly RuleView[]
}

/** How a change went. */
export interface HandlingChange {
  /** False: it was so already, and nothing was sent. */
  readonly isChanged: boolean
  /** It is the user's first rules document. */
  readonly isFirstDocument: boolean
  readonly etag: string | undefined
}

const AUID = 'pres-rules'
const DOCUMENT = 'index'
const CONTENT_TYPE = 'application/auth-policy+xml'
/** Somebody else changes the document all the time: at some point a person should know. */
const ROUNDS_MAX = 16

/**
 * A user's presence rules: read, replaced, or changed for one identity without touching anything else in them.
 *
 * @see RFC 5025 section 9, TS 24.141 clause 6
 */
export class PresenceRulesEditor {
  readonly #xcap: XcapClient
  readonly #selector: string

  constructor(xcap: XcapClient, identity: Impu) {
    this.#xcap = xcap
    this.#selector = userDocument(AUID, identity, DOCUMENT)
  }

  /** The rules, or nothing when the user has none. @throws what `XcapClient.get` throws; MalformedUtAnswerError */
  async get(): Promise<RulesDocument | undefined> {
    try {
      const { body, etag } = await this.#xcap.get(this.#selector)
      return { body, etag, rules: readRules(body) }
    } catch (error) {
      if (error instanceof XcapNotFoundError) return undefined
      throw error
    }
  }

  /** Replaces the rules whole. @throws what `XcapClient.put` throws. */
  async set(body: Buffer, conditions: { readonly ifMatch?: string | undefined } = {}): Promise<XcapWritten> {
    return await this.#xcap.put(this.#selector, { body, contentType: CONTENT_TYPE, ...conditions })
  }

  /** Takes all rules away: from then on what the operator provisioned counts. @throws what `XcapClient.delete` throws. */
  async remove(): Promise<void> {
    await this.#xcap.delete(this.#selector)
  }

  /**
   * Lets one identity be handled so. Each change names the document that it was planned for, and is planned anew when
   * somebody else was faster: no accepted change of anybody's is lost.
   *
   * @throws RulesEditError, XcapRefusedError, XcapConditionError when others were faster all the time, and what
   * `UaClient.request` throws.
   * @see RFC 4825 sections 7.11 and 8.5
   */
  async setHandling(identity: Impu, handling: Handling): Promise<HandlingChange> {
    for (let round = 1; ; round += 1) {
      try {
        return await this.#change(identity, handling)
      } catch (error) {
        if (round === ROUNDS_MAX || !isOvertaken(error)) throw error
      }
    }
  }

  async #change(identity: Impu, handling: Handling): Promise<HandlingChange> {
    const document = await this.get()
    if (document === undefined) {
      const body = firstDocument(identity, handling)
      // guard: rules-first — two who both find none must not both be the first
      const { etag } = await this.#xcap.put(this.#selector, { body, contentType: CONTENT_TYPE, ifNoneMatch: '*' })
      return { isChanged: true, isFirstDocument: true, etag }
    }
    const edits = planHandling(document.rules, identity, handling)
    let { etag } = document
    for (const edit of edits) etag = (await this.#apply(edit, etag)).etag
    return { isChanged: edits.length > 0, isFirstDocument: false, etag }
  }

  #apply(edit: RuleEdit, ifMatch: string | undefined): Promise<XcapWritten> {
    const selector = nodeSelector(this.#selector, edit.steps, { cp: COMMON_POLICY })
    // guard: rules-if-match — what was planned for one document must not hit another one (RFC 4825 section 7.11)
    const conditions = { ifMatch }
    if (edit.kind === 'delete') return this.#xcap.delete(selector, conditions)
    return this.#xcap.put(selector, { body: edit.body, contentType: XCAP_ELEMENT, ...conditions })
  }
}

/** The document is another one now, or gone. */
function isOvertaken(error: unknown): boolean {
  if (error instanceof XcapConditionError) return true
  return error instanceof XcapRefusedError && error.condition === 'no-parent'
}
