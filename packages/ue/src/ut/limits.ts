import type { XmlLimits } from '@rollcall/xml'

/** What a document or an error from the network may have; servers' own bounds are lower. */
export const DOCUMENT_LIMITS: XmlLimits = { bytesMax: 1_048_576, attributesMax: 64, bindingsMax: 128 }
