import type { XmlLimits } from '@rollcall/xml'

/** For what a client publishes. The octets are the body limit of a PUBLISH (readings, SIP hop 9). */
export const PUBLISHED_LIMITS: XmlLimits = { bytesMax: 32_768, attributesMax: 32, bindingsMax: 32 }

/** For what a server sends: longer, and elements from elsewhere carry declarations besides their own. */
export const NOTIFIED_LIMITS: XmlLimits = { bytesMax: 65_536, attributesMax: 80, bindingsMax: 112 }

/** Longest composed document: what a reader takes, and what fits into the body of a SIP message. */
export const COMPOSED_BYTES_MAX = NOTIFIED_LIMITS.bytesMax
/** Longest id of a tuple, person or device, and longest deviceID, in octets: they become part of a new id. */
export const ID_OCTETS_MAX = 255
