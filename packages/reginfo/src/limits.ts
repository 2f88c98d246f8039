import type { XmlLimits } from '@rollcall/xml'

/** Longest document: what fits into the body of a SIP message (readings, SIP hop 9). */
export const REGINFO_BYTES_MAX = 65_536
/** What a document may have. Six namespaces are known to the field; extensions bring some more. */
export const REGINFO_XML_LIMITS: XmlLimits = { bytesMax: REGINFO_BYTES_MAX, attributesMax: 32, bindingsMax: 32 }
/** Registrations of one document: a set has 32 identities at most, and a user may have several sets. */
export const REGISTRATIONS_MAX = 128
/** Contacts of one document, over all its registrations. */
export const CONTACTS_MAX = 512
