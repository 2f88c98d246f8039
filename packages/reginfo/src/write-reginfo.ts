import { escapeAttribute, escapeText } from '@rollcall/xml'
import {
  INSTANCE_PARAMETER,
  REGINFO_NAMESPACE,
  type RegContact,
  type Reginfo,
  type RegRegistration,
} from './reginfo.ts'

/**
 * Writes a registration information document. The caller sees to it that it is no longer than `REGINFO_BYTES_MAX`.
 *
 * @see RFC 3680 section 5
 */
export function writeReginfo({ version, state, registrations }: Reginfo): Buffer {
  const head = `<?xml version="1.0" encoding="UTF-8"?><reginfo xmlns="${REGINFO_NAMESPACE}"`
  const body = registrations.map(registrationText).join('')
  return Buffer.from(`${head} version="${version}" state="${state}">${body}</reginfo>`)
}

function registrationText({ aor, id, state, contacts }: RegRegistration): string {
  const body = contacts.map(contactText).join('')
  return `<registration${attributes({ aor, id, state })}>${body}</registration>`
}

function contactText(contact: RegContact): string {
  const { id, state, event, uri, instance } = contact
  const named = attributes({
    id,
    state,
    event,
    expires: contact.expiresSeconds,
    'retry-after': contact.retryAfterSeconds,
    callid: contact.callId,
    cseq: contact.cseq,
  })
  const parameter =
    instance === undefined ? '' : `<unknown-param name="${INSTANCE_PARAMETER}">${escapeText(instance)}</unknown-param>`
  return `<contact${named}><uri>${escapeText(uri)}</uri>${parameter}</contact>`
}

function attributes(values: Readonly<Record<string, string | number | undefined>>): string {
  let text = ''
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) text += ` ${name}="${escapeAttribute(String(value))}"`
  }
  return text
}
