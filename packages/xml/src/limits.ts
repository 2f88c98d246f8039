/** What a document may have; each is there so that time and memory stay linear in its octets. */
export interface XmlLimits {
  readonly bytesMax: number
  /** Attributes of one element, declarations included: duplicates are found by comparing each with each. */
  readonly attributesMax: number
  /** Namespace declarations in scope at once: each prefix is looked up by walking them. */
  readonly bindingsMax: number
}

/** Elements open at once. Presence documents need about six. */
export const DEPTH_MAX = 64
/** Longest namespace name, in octets: a declaration may be repeated on each element that is copied. */
export const NAMESPACE_OCTETS_MAX = 255
