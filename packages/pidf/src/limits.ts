/** What a document may have; each is there so that time and memory stay linear in its octets. */
export interface XmlLimits {
  readonly bytesMax: number
  /** Attributes of one element, declarations included: duplicates are found by comparing each with each. */
  readonly attributesMax: number
  /** Namespace declarations in scope at once: each prefix is looked up by walking them. */
  readonly bindingsMax: number
}

/** For what a client publishes. The octets are the body limit of a PUBLISH (readings, SIP hop 9). */
export const PUBLISHED_LIMITS: XmlLimits = { bytesMax: 32_768, attributesMax: 32, bindingsMax: 32 }

/** For what a server sends: longer, and elements from elsewhere carry declarations besides their own. */
export const NOTIFIED_LIMITS: XmlLimits = { bytesMax: 65_536, attributesMax: 80, bindingsMax: 112 }

/** Longest composed document: what a reader takes, and what fits into the body of a SIP message. */
export const COMPOSED_BYTES_MAX = NOTIFIED_LIMITS.bytesMax
/** Elements open at once. Presence documents need about six. */
export const DEPTH_MAX = 64
/** Longest namespace name, in octets: a declaration may be repeated on each element that is copied. */
export const NAMESPACE_OCTETS_MAX = 255
/** Longest id of a tuple, person or device, and longest deviceID, in octets: they become part of a new id. */
export const ID_OCTETS_MAX = 255
