import { declarationText, fragmentText, type XmlFragment, XmlScanner } from '@rollcall/xml'
import type { Basic, PidfDocument, PidfNote, PidfPerson } from './document.ts'
import { NOTIFIED_LIMITS } from './limits.ts'
import { RPID } from './namespaces.ts'
import { scanPidf } from './scan-pidf.ts'

/** What a person wants to read of a presence document. */
export interface PidfSummary {
  readonly entity: string
  readonly tuples: readonly TupleSummary[]
  /** Notes of the root and of persons. */
  readonly notes: readonly string[]
  /** Names of RFC 4480 section 3.2, in the order of the document. */
  readonly activities: readonly string[]
}

export interface TupleSummary {
  readonly id: string
  readonly basic: Basic | undefined
  readonly contact: string | undefined
  readonly notes: readonly string[]
  readonly timestamp: string | undefined
}

/**
 * Reads what a watcher's terminal prints.
 *
 * @throws XmlError
 */
export function readPidfSummary(bytes: Buffer): PidfSummary {
  const document = scanPidf(bytes, NOTIFIED_LIMITS)
  const text = (fragment: XmlFragment): string => elementText(document, fragment)
  const noteTexts = (notes: readonly PidfNote[]): string[] => notes.map((note) => text(note.fragment))
  return {
    entity: document.entity,
    tuples: document.tuples.map((tuple) => ({
      id: tuple.id,
      basic: tuple.basic,
      contact: tuple.contact && text(tuple.contact),
      notes: noteTexts(tuple.notes),
      timestamp: tuple.timestamp && text(tuple.timestamp),
    })),
    notes: noteTexts([...document.notes, ...document.persons.flatMap(({ notes }) => notes)]),
    activities: document.persons.flatMap((person) => activitiesOf(document, person)),
  }
}

function activitiesOf(document: PidfDocument, person: PidfPerson): string[] {
  const names: string[] = []
  for (const fragment of person.extensions) {
    if (fragment.namespace !== RPID || fragment.localName !== 'activities') continue
    const xml = open(document, fragment)
    for (let token = xml.next(); xml.depth > 0; token = xml.next()) {
      if (token === 'start' && xml.depth === 2 && xml.localName !== 'note') names.push(xml.localName)
    }
  }
  return names
}

function elementText(document: PidfDocument, fragment: XmlFragment): string {
  return open(document, fragment).readTextContent().trim()
}

/** A scanner behind the start tag of the fragment, which gets the declarations it leans on. */
function open(document: PidfDocument, fragment: XmlFragment): XmlScanner {
  const declarations = fragment.bindings.map(declarationText).join('')
  const xml = new XmlScanner(Buffer.from(fragmentText(document.bytes, fragment, declarations)), NOTIFIED_LIMITS)
  xml.next()
  return xml
}
