import {
  NOTIFIED_LIMITS,
  type PidfDevice,
  type PidfDocument,
  type PidfNote,
  type PidfPerson,
  type PidfTuple,
  scanPidf,
} from '@rollcall/pidf'
import { declarationText, escapeAttribute, type NamespaceBinding, type XmlFragment } from '@rollcall/xml'
import { DATA_MODEL, PIDF } from './namespaces.ts'
import { choicesOf, isChosen } from './occurrence-choice.ts'
import type { Permissions, Selection } from './permissions.ts'
import { isProvided, type PresenceAttribute, presenceAttributeOf } from './presence-attribute.ts'
import { type UserInputForms, userInputAt, userInputForms } from './user-input.ts'

/** An element, cut where declarations go into its start tag. */
interface Piece {
  readonly attribute: PresenceAttribute
  readonly name: string
  readonly rest: string
  readonly bindings: readonly NamespaceBinding[]
  /** Only of `user-input`. */
  readonly forms: UserInputForms | undefined
  /** For `withheld`. */
  readonly label: string
}

/** A tuple, person or device. */
interface Occurrence {
  readonly kind: 'service' | 'person' | 'device'
  readonly id: string
  /** Everything by which a rule may choose it, as keys of a `Selection`. */
  readonly choices: readonly string[]
  readonly start: string
  readonly status: readonly Piece[]
  /** Between the pieces of the status and the others. */
  readonly middle: string
  readonly pieces: readonly Piece[]
  readonly end: string
}

/** What a watcher does not see: a whole service, person or device, or an attribute of one. */
export interface Withheld {
  readonly in: 'service' | 'person' | 'device' | 'document'
  readonly id: string
  /** Absent: all of it. */
  readonly attribute?: string
}

/** Declarations that a composed root may carry; further ones go on their elements, so that readers take the document. */
const ROOT_DECLARATIONS_MAX = 32
/** Sets of permissions whose result is remembered for a document: those of a state's watchers, seldom more than a few. */
const RESULTS_MAX = 64

/**
 * A presence document read once, to be filtered for many sets of permissions.
 *
 * The result is written from what the document's structure says, never cut out of it: comments, and what else nobody
 * understands between elements, cannot slip through. The root declares only what the elements that are left need.
 *
 * @see RFC 5025 section 3.3
 */
export class FilterablePidf {
  readonly #document: PidfDocument
  readonly #results = new Map<Permissions, Buffer>()
  #parts: Parts | undefined

  /** @throws XmlError when the octets are no presence document. */
  constructor(document: Buffer | PidfDocument) {
    this.#document = Buffer.isBuffer(document) ? scanPidf(document, NOTIFIED_LIMITS) : document
  }

  /** The document as far as the permissions go; the same object for the same permissions. */
  filter(permissions: Permissions): Buffer {
    if (permissions.isAll) return this.#document.bytes
    const known = this.#results.get(permissions)
    if (known) return known
    if (this.#results.size >= RESULTS_MAX) this.#results.clear()
    const filtered = Buffer.from(this.#write(permissions))
    this.#results.set(permissions, filtered)
    return filtered
  }

  /** What `filter` leaves out, in the order of the document. */
  withheld(permissions: Permissions): readonly Withheld[] {
    if (permissions.isAll) return []
    const { occurrences, pieces } = this.#read()
    const withheld: Withheld[] = []
    for (const occurrence of occurrences) {
      const { kind, id } = occurrence
      if (!isChosen(occurrence.choices, selectionOf(occurrence, permissions))) {
        withheld.push({ in: kind, id })
        continue
      }
      for (const { attribute, label } of [...occurrence.status, ...occurrence.pieces]) {
        const isCut = attribute.kind === 'user-input' && permissions.userInput !== 'full'
        if (isCut || !isProvided(attribute, permissions)) withheld.push({ in: kind, id, attribute: label })
      }
    }
    for (const { attribute, label } of pieces) {
      if (!isProvided(attribute, permissions)) withheld.push({ in: 'document', id: '', attribute: label })
    }
    return withheld
  }

  #write(permissions: Permissions): string {
    const { occurrences, pieces } = this.#read()
    const writer = new Writer(permissions)
    let notes = ''
    let extensions = ''
    let services = ''
    let others = ''
    for (const occurrence of occurrences) {
      // guard: policy-occurrences — a service, person or device that no rule provides is not there
      if (!isChosen(occurrence.choices, selectionOf(occurrence, permissions))) continue
      if (occurrence.kind === 'service') services += writer.occurrence(occurrence)
      else others += writer.occurrence(occurrence)
    }
    for (const piece of pieces) {
      if (piece.attribute.kind === 'known' && piece.attribute.name === 'note') notes += writer.piece(piece)
      else extensions += writer.piece(piece)
    }
    const entity = escapeAttribute(this.#document.entity)
    const content = services + notes + others + extensions
    return `${XML_DECLARATION}<presence${writer.declarations()} entity="${entity}">${content}</presence>`
  }

  #read(): Parts {
    this.#parts ??= readParts(this.#document)
    return this.#parts
  }
}

const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** Writes for one set of permissions. */
class Writer {
  readonly #permissions: Permissions
  readonly #declared = new Map<string, string>([['', PIDF]])

  constructor(permissions: Permissions) {
    this.#permissions = permissions
  }

  occurrence({ kind, start, status, middle, pieces, end }: Occurrence): string {
    if (kind !== 'service') this.#declared.set('dm', DATA_MODEL)
    let text = start
    for (const piece of status) text += this.piece(piece)
    text += middle
    for (const piece of pieces) text += this.piece(piece)
    return text + end
  }

  /** The element, or nothing. */
  piece({ attribute, name, rest, bindings, forms }: Piece): string {
    // guard: policy-attributes — an attribute that no rule provides is not there
    if (!isProvided(attribute, this.#permissions)) return ''
    const { userInput } = this.#permissions
    if (forms && userInput !== 'full') return userInputAt(userInput, '', forms)
    let text = name
    for (const { prefix, uri } of bindings) {
      const declared = this.#declared.get(prefix)
      if (declared === uri) continue
      if (declared === undefined && this.#declared.size < ROOT_DECLARATIONS_MAX && prefix !== 'dm') {
        this.#declared.set(prefix, uri)
      } else text += declarationText({ prefix, uri })
    }
    return text + rest
  }

  declarations(): string {
    let text = ''
    for (const [prefix, uri] of this.#declared) text += declarationText({ prefix, uri })
    return text
  }
}

function selectionOf({ kind }: Occurrence, { services, persons, devices }: Permissions): Selection {
  switch (kind) {
    case 'service':
      return services
    case 'person':
      return persons
    case 'device':
      return devices
  }
}

/** A document taken to pieces. */
interface Parts {
  readonly occurrences: readonly Occurrence[]
  /** Of the root itself. */
  readonly pieces: readonly Piece[]
}

const CORE: PresenceAttribute = { kind: 'core' }
const NOTE: PresenceAttribute = { kind: 'known', name: 'note' }

function readParts(document: PidfDocument): Parts {
  const { bytes, tuples, persons, devices, notes, extensions } = document
  const cut = (fragment: XmlFragment): Piece => pieceOf(bytes, fragment, attributeOf(fragment))
  return {
    occurrences: [
      ...tuples.map((tuple) => serviceOf(bytes, tuple)),
      ...persons.map((person) => personOf(bytes, person)),
      ...devices.map((device) => deviceOf(bytes, device)),
    ],
    pieces: [...notes.map(({ fragment }) => pieceOf(bytes, fragment, NOTE)), ...extensions.map(cut)],
  }
}

function attributeOf({ namespace, localName }: XmlFragment): PresenceAttribute {
  return presenceAttributeOf(namespace, localName)
}

function pieceOf(bytes: Buffer, fragment: XmlFragment, attribute: PresenceAttribute): Piece {
  const name = bytes.toString('utf8', fragment.start, fragment.nameEnd)
  const rest = bytes.toString('utf8', fragment.nameEnd, fragment.end)
  const forms = attribute.kind === 'user-input' ? userInputForms(name + rest) : undefined
  return { attribute, name, rest, bindings: fragment.bindings, forms, label: fragment.localName }
}

function piecesOf(
  bytes: Buffer,
  extensions: readonly XmlFragment[],
  core: readonly (XmlFragment | undefined)[],
  notes: readonly PidfNote[],
  last: XmlFragment | undefined,
): Piece[] {
  return [
    ...extensions.map((fragment) => pieceOf(bytes, fragment, attributeOf(fragment))),
    ...core.flatMap((fragment) => (fragment ? [pieceOf(bytes, fragment, CORE)] : [])),
    ...notes.map(({ fragment }) => pieceOf(bytes, fragment, NOTE)),
    ...(last ? [pieceOf(bytes, last, CORE)] : []),
  ]
}

function serviceOf(bytes: Buffer, tuple: PidfTuple): Occurrence {
  const { id, basic, statusExtensions, extensions, contact, notes, timestamp } = tuple
  return {
    kind: 'service',
    id,
    choices: choicesOf(bytes, { id, extensions, contact, deviceId: undefined }),
    start: `<tuple id="${escapeAttribute(id)}"><status>${basic ? `<basic>${basic}</basic>` : ''}`,
    status: statusExtensions.map((fragment) => pieceOf(bytes, fragment, attributeOf(fragment))),
    middle: '</status>',
    pieces: piecesOf(bytes, extensions, [contact], notes, timestamp),
    end: '</tuple>',
  }
}

function personOf(bytes: Buffer, { id, extensions, notes, timestamp }: PidfPerson): Occurrence {
  return {
    kind: 'person',
    id,
    choices: choicesOf(bytes, { id, extensions, contact: undefined, deviceId: undefined }),
    start: `<dm:person id="${escapeAttribute(id)}">`,
    status: [],
    middle: '',
    pieces: piecesOf(bytes, extensions, [], notes, timestamp?.fragment),
    end: '</dm:person>',
  }
}

function deviceOf(bytes: Buffer, device: PidfDevice): Occurrence {
  const { id, deviceId, deviceIdFragment, extensions, notes, timestamp } = device
  return {
    kind: 'device',
    id,
    choices: choicesOf(bytes, { id, extensions, contact: undefined, deviceId }),
    start: `<dm:device id="${escapeAttribute(id)}">`,
    status: [],
    middle: '',
    pieces: piecesOf(bytes, extensions, [deviceIdFragment], notes, timestamp?.fragment),
    end: '</dm:device>',
  }
}
