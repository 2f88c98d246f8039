import { compileRules, type PresenceRules, type RulesDocument } from '@rollcall/policy'
import {
  OMA_PRESENCE_RULES_USAGE,
  PIDF_MANIPULATION_USAGE,
  PRESENCE_RULES_USAGE,
  type StoredDocument,
  type XcapUsage,
} from '@rollcall/xcap'
import type { XmlElement } from '@rollcall/xml'

/** What a user has documents of, here. The List Server has the others. */
export const USER_USAGES: readonly XcapUsage[] = [
  PRESENCE_RULES_USAGE,
  OMA_PRESENCE_RULES_USAGE,
  PIDF_MANIPULATION_USAGE,
]

export function usageOf(auid: string): XcapUsage | undefined {
  return USER_USAGES.find((usage) => usage.auid === auid)
}

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

/** One change of one document; absent before: it is new, absent after: it is gone. */
export interface DocumentStep {
  /** `documentKey` */
  readonly key: string
  readonly before: StoredDocument | undefined
  readonly after: StoredDocument | undefined
}

/** A presentity's XCAP documents, and what follows from them. */
export class Documents {
  readonly #byKey = new Map<string, StoredDocument>()
  #rules: PresenceRules | undefined
  /** Words that the rules have, as far as they were looked for. */
  readonly #words = new Map<string, boolean>()
  #toldAtMs = 0
  /** Undefined while nobody has asked the rules as they are now. */
  #changeAtMs: number | undefined

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

  /**
   * The rules when one document of rules is another, or is removed; the documents stay as they are.
   *
   * @param root tree of that document, when somebody has read it already.
   */
  rulesWith(key: string, document: StoredDocument | undefined, root?: XmlElement): PresenceRules | undefined {
    const documents: RulesDocument[] = []
    for (const [other, { octets }] of this.#byKey) if (isRulesKey(other) && other !== key) documents.push(octets)
    if (document) documents.push(root ? { octets: document.octets, root } : document.octets)
    return documents.length > 0 ? compileRules(documents, { previous: this.#rules }) : undefined
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
  get rules(): PresenceRules | undefined {
    if (this.#rules) return this.#rules
    const documents: Buffer[] = []
    for (const [key, { octets }] of this.#byKey) if (isRulesKey(key)) documents.push(octets)
    if (documents.length > 0) this.#rules = compileRules(documents)
    return this.#rules
  }

  /** Rules that were made of these very documents elsewhere: to make them again takes time. */
  knowRules(rules: PresenceRules | undefined): void {
    this.#rules ??= rules
  }

  /** Whether rules may depend on the time: without this word they do not. */
  get isTimed(): boolean {
    return this.#rulesHave('validity')
  }

  /** When the rules next say something else by themselves, as far as is known: at once, before they were asked. */
  get changeAtMs(): number {
    return this.#changeAtMs ?? (this.isTimed ? 0 : Number.POSITIVE_INFINITY)
  }

  /** As of when all who watch were told; 0 when that is not known. */
  get toldAtMs(): number {
    return this.#toldAtMs
  }

  /** All were told at `nowMs`, as when a document changes. */
  toldAt(nowMs: number): void {
    this.#toldAtMs = nowMs
  }

  /** All were decided and told at `nowMs`; for none of them the rules change before `changeAtMs`. */
  decided(nowMs: number, changeAtMs: number): void {
    this.#toldAtMs = nowMs
    this.#changeAtMs = changeAtMs
  }

  /** For one more the rules change at `changeAtMs`. */
  changesAt(changeAtMs: number): void {
    if (changeAtMs < this.changeAtMs) this.#changeAtMs = changeAtMs
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
    this.#changeAtMs = undefined
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
