/** How large a message may be. */
export interface SipLimits {
  /** Octets up to and with the empty line. */
  readonly headerBytesMax: number
  /** Header fields, lines counted, not the elements of a list. */
  readonly headersMax: number
  readonly bodyBytesMax: number
}

/** Choice: far above what a UE sends (a REGISTER with four suites has 2 kB), and still cheap to refuse. */
export const DEFAULT_SIP_LIMITS: SipLimits = {
  headerBytesMax: 16 * 1024,
  headersMax: 256,
  bodyBytesMax: 64 * 1024,
}

/** Choice: longest URI read, in octets; an identity has at most 253, a GRUU or a flow token some hundred more. */
export const URI_OCTETS_MAX = 1024

/** Choice: most elements of one list header, over all its lines (Via, Route, Security-Client). */
export const LIST_ELEMENTS_MAX = 128

/** Choice: most parameters of one header value or URI. A Contact with its feature tags has about fifteen. */
export const PARAMS_MAX = 64
