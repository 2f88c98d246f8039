import { XcapUriError } from '../errors.ts'

/** Undoes percent-encoding once. @throws XcapUriError where it is none, or no UTF-8. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new XcapUriError('XCAP_URI_MALFORMED', 'percent-encoding')
  }
}

/** Encodes what RFC 4825 section 6.3 asks for, and leaves what may stand in a path segment as it is. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replace(/%(3A|40|3D|2C|3B|2B|24|26)/g, (encoded) => decodeURIComponent(encoded))
}
