import type { XmlLimits } from '@rollcall/xml'

/**
 * A rules document has a thousand rules that provide much, and few names of namespaces. Beyond: `RULES_MALFORMED`. What
 * may be put is bounded more narrowly, by the XCAP server.
 */
export const RULES_LIMITS: XmlLimits = { bytesMax: 1_048_576, attributesMax: 32, bindingsMax: 64 }
/** Rules of one presentity, all documents together; more: `RULES_LIMIT`. Each one may be asked at a decision. */
export const RULES_MAX = 4_096
/** Pairs of permissions whose combination is remembered for a document; beyond that all are forgotten. */
export const COMBINATIONS_MAX = 1_024
