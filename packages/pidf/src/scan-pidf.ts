import { XML, type XmlFragment, type XmlLimits, XmlScanner } from '@rollcall/xml'
import { parseDateTime } from './date-time.ts'
import type { Basic, PidfDevice, PidfDocument, PidfNote, PidfPerson, PidfTimestamp, PidfTuple } from './document.ts'
import { ID_OCTETS_MAX, PUBLISHED_LIMITS } from './limits.ts'
import { DATA_MODEL, PIDF } from './namespaces.ts'

/**
 * Reads a presence document in one pass: well-formed, namespaces declared, structure as the standards ask.
 * The order of children does not matter, and an id may begin with a digit: clients are known to err there.
 *
 * `limits` are those of a PUBLISH unless given: `NOTIFIED_LIMITS` for what a server sends.
 * The document keeps `bytes` and points into them: do not change them afterwards.
 *
 * @throws XmlError
 * @see RFC 3863 section 4; RFC 4479 section 4
 */
export function scanPidf(bytes: Buffer, limits: XmlLimits = PUBLISHED_LIMITS): PidfDocument {
  const xml: XmlScanner = new XmlScanner(bytes, limits)
  xml.next()
  if (xml.localName !== 'presence' || xml.namespace !== PIDF) {
    xml.fail('XML_STRUCTURE', 'the root is not presence', xml.start)
  }
  const entity = xml.attribute('entity')?.trim()
  if (!entity) xml.fail('XML_STRUCTURE', 'presence without entity', xml.start)
  const document = readPresence(xml, entity)
  xml.next()
  return document
}

/** Ids of tuples, persons and devices seen so far: no two of one document are equal (xs:ID). */
type Ids = Set<string>

function readPresence(xml: XmlScanner, entity: string): PidfDocument {
  const ids: Ids = new Set()
  const tuples: PidfTuple[] = []
  const notes: PidfNote[] = []
  const persons: PidfPerson[] = []
  const devices: PidfDevice[] = []
  const extensions: XmlFragment[] = []
  for (let name = nextChild(xml); name !== undefined; name = nextChild(xml)) {
    if (xml.namespace === PIDF) {
      if (name === 'tuple') tuples.push(readTuple(xml, ids))
      else if (name === 'note') notes.push(readNote(xml))
      else xml.fail('XML_STRUCTURE', 'an element that presence does not have', xml.start)
    } else if (xml.namespace === DATA_MODEL && name === 'person') persons.push(readPerson(xml, ids))
    else if (xml.namespace === DATA_MODEL && name === 'device') devices.push(readDevice(xml, ids))
    else extensions.push(readExtension(xml))
  }
  return { bytes: xml.bytes, entity, tuples, notes, persons, devices, extensions }
}

function readTuple(xml: XmlScanner, ids: Ids): PidfTuple {
  const { start } = xml
  const id = readId(xml, ids)
  let status: TupleStatus | undefined
  let contact: XmlFragment | undefined
  let timestamp: PidfTimestamp | undefined
  const notes: PidfNote[] = []
  const extensions: XmlFragment[] = []
  for (let name = nextChild(xml); name !== undefined; name = nextChild(xml)) {
    if (xml.namespace !== PIDF) {
      extensions.push(readExtension(xml))
      continue
    }
    switch (name) {
      case 'status':
        status = once(xml, status) ?? readStatus(xml)
        break
      case 'contact':
        contact = once(xml, contact) ?? readContact(xml)
        break
      case 'note':
        notes.push(readNote(xml))
        break
      case 'timestamp':
        timestamp = once(xml, timestamp) ?? readTimestamp(xml)
        break
      default:
        xml.fail('XML_STRUCTURE', 'an element that a tuple does not have', xml.start)
    }
  }
  if (!status) xml.fail('XML_STRUCTURE', 'a tuple without status', start)
  const { basic, statusExtensions } = status
  return { id, basic, statusExtensions, extensions, contact, notes, timestamp: timestamp?.fragment }
}

type TupleStatus = Pick<PidfTuple, 'basic' | 'statusExtensions'>

function readStatus(xml: XmlScanner): TupleStatus {
  let basic: Basic | undefined
  const statusExtensions: XmlFragment[] = []
  for (let name = nextChild(xml); name !== undefined; name = nextChild(xml)) {
    if (xml.namespace !== PIDF) statusExtensions.push(readExtension(xml))
    else if (name === 'basic') basic = once(xml, basic) ?? readBasic(xml)
    else xml.fail('XML_STRUCTURE', 'an element that status does not have', xml.start)
  }
  return { basic, statusExtensions }
}

function readBasic(xml: XmlScanner): Basic {
  const { start } = xml
  const text = xml.readTextContent().trim()
  if (text === 'open' || text === 'closed') return text
  return xml.fail('XML_STRUCTURE', 'basic is neither open nor closed', start)
}

function readContact(xml: XmlScanner): XmlFragment {
  const priority = xml.attribute('priority')
  if (priority !== undefined && !/^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(priority.trim())) {
    xml.fail('XML_STRUCTURE', 'a priority is 0 to 1 with three decimals', xml.start)
  }
  return xml.readTextFragment().fragment
}

function readNote(xml: XmlScanner): PidfNote {
  const language = xml.attribute('lang', XML) ?? ''
  return { fragment: xml.readTextFragment().fragment, language }
}

function readTimestamp(xml: XmlScanner): PidfTimestamp {
  const { start } = xml
  const { fragment, text } = xml.readTextFragment()
  const atMs = parseDateTime(text.trim())
  if (atMs === undefined) xml.fail('XML_STRUCTURE', 'a timestamp is an xs:dateTime', start)
  return { fragment, atMs }
}

function readPerson(xml: XmlScanner, ids: Ids): PidfPerson {
  const { start } = xml
  const { deviceId, ...person } = readDataModel(xml, ids)
  if (deviceId) xml.fail('XML_STRUCTURE', 'a person has no deviceID', start)
  return person
}

function readDevice(xml: XmlScanner, ids: Ids): PidfDevice {
  const { start } = xml
  const { deviceId, ...device } = readDataModel(xml, ids)
  if (!deviceId) xml.fail('XML_STRUCTURE', 'a device has one deviceID', start)
  return { ...device, deviceId: deviceId.text, deviceIdFragment: deviceId.fragment }
}

type TextElement = ReturnType<XmlScanner['readTextFragment']>

function readDataModel(xml: XmlScanner, ids: Ids): PidfPerson & { readonly deviceId: TextElement | undefined } {
  const id = readId(xml, ids)
  let deviceId: TextElement | undefined
  let timestamp: PidfTimestamp | undefined
  const notes: PidfNote[] = []
  const extensions: XmlFragment[] = []
  for (let name = nextChild(xml); name !== undefined; name = nextChild(xml)) {
    if (xml.namespace !== DATA_MODEL) {
      extensions.push(readExtension(xml))
      continue
    }
    switch (name) {
      case 'deviceID':
        deviceId = once(xml, deviceId) ?? readDeviceId(xml)
        break
      case 'note':
        notes.push(readNote(xml))
        break
      case 'timestamp':
        timestamp = once(xml, timestamp) ?? readTimestamp(xml)
        break
      default:
        xml.fail('XML_STRUCTURE', 'an element that the data model does not have here', xml.start)
    }
  }
  return { id, extensions, notes, timestamp, deviceId }
}

/** An element that we do not know; the schemas leave room for other namespaces, not for none (`##other`). */
function readExtension(xml: XmlScanner): XmlFragment {
  if (xml.namespace === '') xml.fail('XML_STRUCTURE', 'an element without namespace', xml.start)
  return xml.readFragment()
}

function readDeviceId(xml: XmlScanner): TextElement {
  const { fragment, text } = xml.readTextFragment()
  return { fragment, text: checkedId(xml, text, fragment.start) }
}

function readId(xml: XmlScanner, ids: Ids): string {
  const { start } = xml
  const id = checkedId(xml, xml.attribute('id') ?? '', start)
  if (ids.has(id)) xml.fail('XML_STRUCTURE', 'an id appears twice', start)
  ids.add(id)
  return id
}

function checkedId(xml: XmlScanner, text: string, offset: number): string {
  const id = text.trim()
  if (id === '') xml.fail('XML_STRUCTURE', 'an id is required', offset)
  if (Buffer.byteLength(id) > ID_OCTETS_MAX) xml.fail('XML_LIMIT', 'an id is too long', offset)
  return id
}

/** Refuses a second element of the same name where there may be one; gives `undefined` for the first. */
function once(xml: XmlScanner, earlier: unknown): undefined {
  return earlier === undefined ? undefined : xml.fail('XML_STRUCTURE', `a second ${xml.localName}`, xml.start)
}

/** Moves to the next child's start tag and gives its name, or `undefined` behind the parent's end. Text is refused. */
function nextChild(xml: XmlScanner): string | undefined {
  for (let token = xml.next(); token !== 'end'; token = xml.next()) {
    if (token === 'start') return xml.localName
    if (!xml.isBlank) xml.fail('XML_STRUCTURE', 'text where only elements may be', xml.start)
  }
  return undefined
}
