import { XmlError, XmlScanner } from '@rollcall/xml'
import { ReginfoError } from './errors.ts'
import { CONTACTS_MAX, REGINFO_XML_LIMITS, REGISTRATIONS_MAX } from './limits.ts'
import {
  type ContactEvent,
  INSTANCE_PARAMETER,
  REGINFO_NAMESPACE,
  type RegContact,
  type Reginfo,
  type RegistrationState,
} from './reginfo.ts'

/**
 * Reads a registration information document. Elements and attributes that it does not know are passed over, and so is
 * whatever of those that it knows the reader has no use for (`display-name`, `q`, `duration-registered`).
 *
 * @throws ReginfoError when the octets are no such document, or one beyond the bounds, or one with a DOCTYPE.
 * @see RFC 3680 section 5
 */
export function parseReginfo(bytes: Buffer): Reginfo {
  try {
    return read(new XmlScanner(bytes, REGINFO_XML_LIMITS))
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause
    throw new ReginfoError('no registration information', { cause })
  }
}

/** What is filled while the document is read. */
type Open<T, K extends keyof T> = Omit<T, K> & { [P in K]: T[P] extends readonly (infer E)[] ? E[] : never }
type OpenRegistration = Open<Reginfo['registrations'][number], 'contacts'>

function read(xml: XmlScanner): Reginfo {
  xml.next()
  if (xml.namespace !== REGINFO_NAMESPACE || xml.localName !== 'reginfo') fail(xml, 'the root is not reginfo')
  const version = whole(xml, 'version')
  const state = oneOf(STATES, xml.attribute('state'))
  if (version === undefined || !state) fail(xml, 'reginfo has a version and a state')
  const registrations: OpenRegistration[] = []
  let contacts = 0
  for (let token = xml.next(); token !== 'eof'; token = xml.next()) {
    if (token !== 'start' || xml.namespace !== REGINFO_NAMESPACE) continue
    switch (`${xml.depth} ${xml.localName}`) {
      case '2 registration':
        if (registrations.length === REGISTRATIONS_MAX) fail(xml, 'too many registrations')
        registrations.push(readRegistration(xml))
        break
      case '3 contact':
        contacts += 1
        if (contacts > CONTACTS_MAX) fail(xml, 'too many contacts')
        registrations.at(-1)?.contacts.push(readContact(xml))
        break
    }
  }
  return { version, state, registrations }
}

function readRegistration(xml: XmlScanner): OpenRegistration {
  const aor = xml.attribute('aor')
  const id = xml.attribute('id')
  const state = oneOf(REGISTRATION_STATES, xml.attribute('state'))
  if (!aor || !id || !state) fail(xml, 'a registration has aor, id and state')
  return { aor, id, state, contacts: [] }
}

/** From the start tag to behind the end tag. */
function readContact(xml: XmlScanner): RegContact {
  const id = xml.attribute('id')
  const state = oneOf(CONTACT_STATES, xml.attribute('state'))
  const event = oneOf(EVENTS, xml.attribute('event'))
  if (!id || !state || !event) fail(xml, 'a contact has id, state and event')
  const expiresSeconds = whole(xml, 'expires')
  const retryAfterSeconds = whole(xml, 'retry-after')
  const callId = xml.attribute('callid')
  const cseq = whole(xml, 'cseq')
  const { uri, instance } = readChildren(xml)
  return {
    id,
    uri,
    state,
    event,
    ...(expiresSeconds !== undefined && { expiresSeconds }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(callId !== undefined && { callId }),
    ...(cseq !== undefined && { cseq }),
    ...(instance !== undefined && { instance }),
  }
}

function readChildren(xml: XmlScanner): { uri: string; instance: string | undefined } {
  const { start, depth } = xml
  let uri: string | undefined
  let instance: string | undefined
  for (let token = xml.next(); token !== 'end' || xml.depth >= depth; token = xml.next()) {
    if (token !== 'start' || xml.depth !== depth + 1 || xml.namespace !== REGINFO_NAMESPACE) continue
    if (xml.localName === 'uri') uri ??= xml.readTextContent().trim()
    else if (xml.localName === 'unknown-param' && xml.attribute('name')?.toLowerCase() === INSTANCE_PARAMETER) {
      instance ??= unquoted(xml.readTextContent().trim())
    }
  }
  if (!uri) xml.fail('XML_STRUCTURE', 'a contact has a uri', start)
  return { uri, instance }
}

/** Some write the parameter's value with the quotes that it has in a Contact header field. */
function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

function whole(xml: XmlScanner, name: string): number | undefined {
  const text = xml.attribute(name)?.trim()
  if (text === undefined) return undefined
  if (!/^\d{1,10}$/.test(text)) fail(xml, `${name} is a number`)
  return Number(text)
}

function oneOf<T extends string>(words: readonly T[], text: string | undefined): T | undefined {
  return words.find((word) => word === text)
}

function fail(xml: XmlScanner, detail: string): never {
  return xml.fail('XML_STRUCTURE', detail, xml.start)
}

const STATES: readonly Reginfo['state'][] = ['full', 'partial']
const REGISTRATION_STATES: readonly RegistrationState[] = ['init', 'active', 'terminated']
const CONTACT_STATES: readonly RegContact['state'][] = ['active', 'terminated']
const EVENTS: readonly ContactEvent[] = [
  'registered',
  'created',
  'refreshed',
  'shortened',
  'expired',
  'deactivated',
  'probation',
  'unregistered',
  'rejected',
]
