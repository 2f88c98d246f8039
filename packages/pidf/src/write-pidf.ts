import { escapeAttribute, escapeText } from '@rollcall/xml'
import { XML_DECLARATION } from './compose-pidf.ts'
import { formatDateTime } from './date-time.ts'
import type { Basic } from './document.ts'
import { DATA_MODEL, PIDF, RPID } from './namespaces.ts'

/** What a presence user agent says about its presentity. */
export interface PublishedPresence {
  readonly entity: string
  /** Names the service; the same in each PUBLISH of one user agent. An xs:ID: begins with a letter. */
  readonly tupleId: string
  readonly basic: Basic
  readonly contact?: string
  /** In the reader's words; xml:lang is not given. */
  readonly note?: string
  readonly timestampMs?: number
  /** Names of RFC 4480 section 3.2, `on-the-phone`; they bring a person element along. */
  readonly activities?: readonly string[]
}

/**
 * Writes the document that a presence user agent publishes.
 *
 * @throws RangeError when `tupleId` is no xs:ID or an activity no element name.
 * @see RFC 3863 section 4; RFC 4480 section 3.2
 */
export function writePidf(presence: PublishedPresence): Buffer {
  const { entity, tupleId, basic, contact, note, timestampMs, activities = [] } = presence
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(tupleId)) throw new RangeError('a tuple id begins with a letter')
  const hasPerson = activities.length > 0
  let text = `${XML_DECLARATION}<presence xmlns="${PIDF}"`
  if (hasPerson) text += ` xmlns:dm="${DATA_MODEL}" xmlns:rpid="${RPID}"`
  text += ` entity="${escapeAttribute(entity)}"><tuple id="${tupleId}"><status><basic>${basic}</basic></status>`
  if (contact !== undefined) text += `<contact>${escapeText(contact)}</contact>`
  if (note !== undefined) text += `<note>${escapeText(note)}</note>`
  if (timestampMs !== undefined) text += `<timestamp>${formatDateTime(timestampMs)}</timestamp>`
  text += '</tuple>'
  if (hasPerson) text += writePerson(tupleId, activities, timestampMs)
  return Buffer.from(`${text}</presence>`)
}

function writePerson(tupleId: string, activities: readonly string[], timestampMs: number | undefined): string {
  let text = `<dm:person id="p-${tupleId}"><rpid:activities>`
  for (const activity of activities) {
    if (!/^[a-z][a-z-]*$/.test(activity)) throw new RangeError('an activity is a name of RFC 4480 section 3.2')
    text += `<rpid:${activity}/>`
  }
  text += '</rpid:activities>'
  if (timestampMs !== undefined) text += `<dm:timestamp>${formatDateTime(timestampMs)}</dm:timestamp>`
  return `${text}</dm:person>`
}
