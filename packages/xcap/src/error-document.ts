import { escapeAttribute, escapeText } from '@rollcall/xml'
import type { XcapConflict } from './errors.ts'

/** Media type of an error's body (RFC 4825 section 15.2.4). */
export const ERROR_MEDIA_TYPE = 'application/xcap-error+xml'

/** Namespace of an error's body (RFC 4825 section 11.2). */
export const ERROR_NAMESPACE = 'urn:ietf:params:xml:ns:xcap-error'

/** The body of a 409 (RFC 4825 section 11). */
export function errorDocument(conflict: XcapConflict): Buffer {
  const { condition, phrase } = conflict
  const attribute = phrase === undefined ? '' : ` phrase="${escapeAttribute(phrase)}"`
  const content = contentOf(conflict)
  const element = content === '' ? `<${condition}${attribute}/>` : `<${condition}${attribute}>${content}</${condition}>`
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<xcap-error xmlns="${ERROR_NAMESPACE}">${element}</xcap-error>`,
  )
}

function contentOf({ condition, ancestor, exists }: XcapConflict): string {
  if (condition === 'no-parent' && ancestor !== undefined) return `<ancestor>${escapeText(ancestor)}</ancestor>`
  if (condition !== 'uniqueness-failure') return ''
  return (exists ?? [])
    .map(({ field, alternatives }) => {
      const values = alternatives.map((value) => `<alt-value>${escapeText(value)}</alt-value>`).join('')
      return `<exists field="${escapeAttribute(field)}">${values}</exists>`
    })
    .join('')
}
