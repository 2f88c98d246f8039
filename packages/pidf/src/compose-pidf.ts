import { hash } from 'node:crypto'
import { declarationText, escapeAttribute, fragmentText, type XmlFragment } from '@rollcall/xml'
import type { Basic, PidfDevice, PidfDocument, PidfNote, PidfPerson, PidfTuple } from './document.ts'
import { COMPOSED_BYTES_MAX } from './limits.ts'
import { DATA_MODEL, PIDF } from './namespaces.ts'

/** One live publication as an input of composition. */
export interface Publication {
  /** Stable over its modifications; new ids are made from it. */
  readonly id: string
  readonly receivedAtMs: number
  readonly document: PidfDocument
}

/**
 * Composes what several publications say about one presentity into one document. `Choice:` union of all tuples, their
 * ids rewritten stably from publication and id; one person, the newest element of each name winning; one device a
 * deviceID, likewise. Elements are copied octet for octet, with the namespace declarations that they lean on.
 * When the result would be too long for a SIP body, the oldest publications are left out.
 *
 * `network` is what the network knows by itself, whether the presentity is registered: one tuple more, of a stable id;
 * absent when nobody has told. Without publications it is all there is, and `closed` when it is absent.
 *
 * @see RFC 4479 section 3; RFC 3903 section 4 (event state compositor); readings, Presence 4
 */
export function composePidf(entity: string, publications: readonly Publication[], network?: Basic): Buffer {
  const own = network === undefined ? '' : networkTuple(network)
  for (let inputs = publications; inputs.length > 0; inputs = withoutOldest(inputs)) {
    const bytes = Buffer.from(new Composition(entity, inputs, own).text())
    if (bytes.length <= COMPOSED_BYTES_MAX) return bytes
  }
  return networkPidf(entity, network ?? 'closed')
}

/**
 * The document of a presentity who publishes nothing, and of one who hides: one tuple, closed, always of the same id.
 *
 * @see readings, Presence 4 and 6
 */
export function closedPidf(entity: string): Buffer {
  return networkPidf(entity, 'closed')
}

function networkPidf(entity: string, basic: Basic): Buffer {
  return Buffer.from(
    `${XML_DECLARATION}<presence xmlns="${PIDF}" entity="${escapeAttribute(entity)}">${networkTuple(basic)}</presence>`,
  )
}

/** Choice: one id for it, told or not, so that one tuple changes with the registration; publications' ids begin with `t-`. */
function networkTuple(basic: Basic): string {
  return `<tuple id="network"><status><basic>${basic}</basic></status></tuple>`
}

export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** Declarations on the root, so that no document has more than a reader takes; further ones go on their elements. */
const ROOT_DECLARATIONS_MAX = 32
/** Longest id that becomes part of a new one as it is; escaped it may grow to three times that. */
const ID_PART_CHARS_MAX = 64

function withoutOldest(publications: readonly Publication[]): readonly Publication[] {
  let oldest = publications[0]
  for (const publication of publications) {
    if (oldest && publication.receivedAtMs < oldest.receivedAtMs) oldest = publication
  }
  return publications.filter((publication) => publication !== oldest)
}

/** An element together with the octets it points into, and the time by which it wins or loses. */
interface Dated<T> {
  readonly value: T
  readonly document: PidfDocument
  readonly atMs: number
}

class Composition {
  readonly #entity: string
  readonly #publications: readonly Publication[]
  /** The tuple that no publication has. */
  readonly #ownTuple: string
  /** Declarations on the root, by prefix: who comes first has the prefix; others declare theirs on their element. */
  readonly #declared = new Map<string, string>([['', PIDF]])

  constructor(entity: string, publications: readonly Publication[], ownTuple: string) {
    this.#entity = entity
    this.#publications = publications
    this.#ownTuple = ownTuple
  }

  /** The document; children in the order of the schemas, which strict validators ask for. */
  text(): string {
    const hasDataModel = this.#publications.some(
      ({ document }) => document.persons.length + document.devices.length > 0,
    )
    if (hasDataModel) this.#declared.set('dm', DATA_MODEL)
    let content = ''
    for (const { id, document } of this.#publications) {
      for (const tuple of document.tuples) content += this.#tuple(id, document, tuple)
    }
    content += this.#ownTuple
    content += this.#newestNotes(this.#rootNotes())
    content += this.#person(this.#dated(({ persons }) => persons))
    for (const devices of this.#devicesById().values()) content += this.#device(devices)
    for (const { document } of this.#publications) {
      for (const extension of document.extensions) content += this.#copy(document, extension)
    }
    return `${XML_DECLARATION}<presence${this.#declarations()} entity="${escapeAttribute(this.#entity)}">${content}</presence>`
  }

  #declarations(): string {
    let text = ''
    for (const [prefix, uri] of this.#declared) text += declarationText({ prefix, uri })
    return text
  }

  #tuple(publicationId: string, document: PidfDocument, tuple: PidfTuple): string {
    let text = `<tuple id="t-${idPart(publicationId)}-${idPart(tuple.id)}"><status>`
    if (tuple.basic) text += `<basic>${tuple.basic}</basic>`
    for (const extension of tuple.statusExtensions) text += this.#copy(document, extension)
    text += '</status>'
    for (const extension of tuple.extensions) text += this.#copy(document, extension)
    if (tuple.contact) text += this.#copy(document, tuple.contact)
    for (const note of tuple.notes) text += this.#copy(document, note.fragment)
    if (tuple.timestamp) text += this.#copy(document, tuple.timestamp)
    return `${text}</tuple>`
  }

  #person(persons: readonly Dated<PidfPerson>[]): string {
    return persons.length === 0 ? '' : `<dm:person id="person">${this.#merged(persons, '')}</dm:person>`
  }

  #device(devices: readonly Dated<PidfDevice>[]): string {
    const newest = devices.at(-1)
    if (!newest) return ''
    const deviceId = this.#copy(newest.document, newest.value.deviceIdFragment)
    return `<dm:device id="d-${idPart(newest.value.deviceId)}">${this.#merged(devices, deviceId)}</dm:device>`
  }

  /** Children of one person or device out of several, oldest first: of each name what the newest says. */
  #merged(sources: readonly Dated<PidfPerson>[], deviceId: string): string {
    const newest = new Map<string, string>()
    for (const { value, document } of sources) {
      const own = new Map<string, string>()
      for (const extension of value.extensions) {
        const name = `${extension.namespace} ${extension.localName}`
        own.set(name, (own.get(name) ?? '') + this.#copy(document, extension))
      }
      for (const [name, text] of own) newest.set(name, text)
    }
    let text = [...newest.values()].join('') + deviceId
    text += this.#newestNotes(sources.map((source) => ({ ...source, value: source.value.notes })))
    const stamped = sources.findLast(({ value }) => value.timestamp)
    if (stamped?.value.timestamp) text += this.#copy(stamped.document, stamped.value.timestamp.fragment)
    return text
  }

  /** Notes of one parent: of each language what the newest says (RFC 3863 section 4.1.6). */
  #newestNotes(sources: readonly Dated<readonly PidfNote[]>[]): string {
    const newest = new Map<string, string>()
    for (const { value, document } of sources) {
      for (const note of value) newest.set(note.language, this.#copy(document, note.fragment))
    }
    return [...newest.values()].join('')
  }

  #devicesById(): Map<string, Dated<PidfDevice>[]> {
    const byId = new Map<string, Dated<PidfDevice>[]>()
    for (const device of this.#dated(({ devices }) => devices)) {
      const sources = byId.get(device.value.deviceId)
      if (sources) sources.push(device)
      else byId.set(device.value.deviceId, [device])
    }
    return byId
  }

  /** Persons or devices of all publications, oldest first; one without timestamp is as old as its PUBLISH. */
  #dated<T extends PidfPerson>(pick: (document: PidfDocument) => readonly T[]): Dated<T>[] {
    const dated: Dated<T>[] = []
    for (const { document, receivedAtMs } of this.#publications) {
      for (const value of pick(document)) dated.push({ value, document, atMs: value.timestamp?.atMs ?? receivedAtMs })
    }
    return dated.length > 1 ? dated.sort((a, b) => a.atMs - b.atMs) : dated
  }

  /** Notes of the root, oldest publication first. */
  #rootNotes(): Dated<readonly PidfNote[]>[] {
    const dated: Dated<readonly PidfNote[]>[] = []
    for (const { document, receivedAtMs } of this.#publications) {
      if (document.notes.length > 0) dated.push({ value: document.notes, document, atMs: receivedAtMs })
    }
    return dated.sort((a, b) => a.atMs - b.atMs)
  }

  #copy(document: PidfDocument, fragment: XmlFragment): string {
    let declarations = ''
    for (const { prefix, uri } of fragment.bindings) {
      const declared = this.#declared.get(prefix)
      if (declared === uri) continue
      if (declared === undefined && this.#declared.size < ROOT_DECLARATIONS_MAX) this.#declared.set(prefix, uri)
      else declarations += declarationText({ prefix, uri })
    }
    return fragmentText(document.bytes, fragment, declarations)
  }
}

/** Part of an xs:ID, injective: two different texts never give the same one. A long one is named by its digest. */
function idPart(text: string): string {
  if (text.length > ID_PART_CHARS_MAX) return `_h${hash('sha256', text, 'hex')}`
  if (/^[A-Za-z0-9.]*$/.test(text)) return text
  let part = ''
  for (const octet of Buffer.from(text)) {
    const char = String.fromCharCode(octet)
    part += /[A-Za-z0-9.]/.test(char) ? char : `_${octet.toString(16).padStart(2, '0')}`
  }
  return part
}
