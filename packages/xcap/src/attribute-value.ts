import { decodeReferences, isXmlChar } from '@rollcall/xml'

/** A reference that needs no DOCTYPE (XML 1.0 section 4.1). */
const REFERENCE = /&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});/g

/** Whether this can stand between the quotes of an attribute, but for the quotes themselves (XML 1.0 section 2.3, AttValue). */
export function isAttributeValue(raw: string): boolean {
  const plain = raw.replace(REFERENCE, '')
  if (/[<&]/.test(plain)) return false
  for (const char of attributeValue(raw)) if (!isXmlChar(char.codePointAt(0) ?? 0)) return false
  return true
}

/** The value that it stands for, normalised (XML 1.0 section 3.3.3). It has been checked. */
export function attributeValue(raw: string): string {
  return decodeReferences(raw.replace(/\r\n|[\t\r\n]/g, ' '))
}
