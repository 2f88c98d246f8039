import type { XmlElement } from '@rollcall/xml'

/** Value of an attribute without namespace. */
export function attributeOf(element: XmlElement, name: string): string | undefined {
  const value = element.attributes.find((attribute) => attribute.name === name && attribute.namespace === '')?.value
  return value === undefined ? undefined : owned(value)
}

/** The same text by itself: one that is cut out of a document keeps the whole document in memory, as long as rules do. */
export function owned(text: string): string {
  // Joining makes a text anew, and cutting off what was joined leaves that one behind it.
  return ` ${text}`.slice(1)
}
