import { compileRules, type PresencePolicy } from '@rollcall/policy'
import {
  OMA_PRESENCE_RULES_USAGE,
  PIDF_MANIPULATION_USAGE,
  PRESENCE_RULES_USAGE,
  type StoredDocument,
} from '@rollcall/xcap'

/** Name of a document among those of its user. */
export function documentKey(auid: string, document: string): string {
  return `${auid} ${document}`
}

/** AUID and name of a document. */
export function documentOfKey(key: string): { readonly auid: string; readonly document: string } {
  const space = key.indexOf(' ')
  return { auid: key.slice(0, space), document: key.slice(space + 1) }
}

const RULES_AUIDS: ReadonlySet<string> = new Set([PRESENCE_RULES_USAGE.auid, OMA_PRESENCE_RULES_USAGE.auid])

/** Whether a document says who may watch. */
export function isRulesKey(key: string): boolean {
  return RULES_AUIDS.has(documentOfKey(key).auid)
}

/** Whether a document is part of what watchers see. */
export function isHardStateKey(key: string): boolean {
  return documentOfKey(key).auid === PIDF_MANIPULATION_USAGE.auid
}

/** A presentity's XCAP documents, and what follows from them. */
export class Documents {
  readonly #byKey = new Map<string, StoredDocument>()
  #rules: PresencePolicy | undefined
  /** Words that the rules have, as far as they were looked for. */
  readonly #words = new Map<string, boolean>()

  get size(): number {
    return this.#byKey.size
  }

  /** Of all of them together. */
  get octets(): number {
    let octets = 0
    for (const document of this.#byKey.values()) octets += document.octets.length
    return octets
  }

  get(key: string): StoredDocument | undefined {
    return this.#byKey.get(key)
  }

  entries(): Iterable<readonly [key: string, document: StoredDocument]> {
    return this.#byKey
  }

  /** These with one changed, or removed; they stay as they are. */
  with(key: string, document: StoredDocument | undefined): Documents {
    const changed = new Documents()
    for (const [other, kept] of this.#byKey) changed.set(other, kept)
    if (document) changed.set(key, document)
    else changed.delete(key)
    return changed
  }

  set(key: string, document: StoredDocument): void {
    this.#byKey.set(key, document)
    this.#forget()
  }

  delete(key: string): boolean {
    this.#forget()
    return this.#byKey.delete(key)
  }

  /**
   * The rules of all rules documents together; undefined when there is none. Made at the first decision, not when a log is
   * read. A document that was stored has been checked.
   */
  get rules(): PresencePolicy | undefined {
    if (this.#rules) return this.#rules
    const documents: Buffer[] = []
    for (const [key, { octets }] of this.#byKey) if (isRulesKey(key)) documents.push(octets)
    if (documents.length > 0) this.#rules = compileRules(documents)
    return this.#rules
  }

  /** Whether rules may depend on the time: without this word they do not. */
  get isTimed(): boolean {
    return this.#rulesHave('validity')
  }

  /** Whether rules may depend on the presentity's sphere. */
  get usesSphere(): boolean {
    return this.#rulesHave('sphere')
  }

  /** Presence that stands without a publication (RFC 4827), in the order of the documents' names. */
  get hardState(): readonly Buffer[] {
    return [...this.#byKey]
      .filter(([key]) => isHardStateKey(key))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, { octets }]) => octets)
  }

  #forget(): void {
    this.#rules = undefined
    this.#words.clear()
  }

  #rulesHave(word: 'validity' | 'sphere'): boolean {
    const known = this.#words.get(word)
    if (known !== undefined) return known
    const has = [...this.#byKey].some(([key, { octets }]) => isRulesKey(key) && octets.includes(word))
    this.#words.set(word, has)
    return has
  }
}
