import { RPID } from './namespaces.ts'
import type { UserInputProvision } from './permissions.ts'

/** What `user-input` is cut down to. */
export interface UserInputForms {
  readonly bare: string
  readonly thresholds: string
}

const NOTHING: UserInputForms = { bare: '', thresholds: '' }

/**
 * Makes the lesser forms of a `user-input` element, given as text that is known to be well-formed: `bare` says active or
 * idle and nothing more, `thresholds` says after how long. An element that says neither word is left out.
 *
 * @see RFC 5025 section 3.3.2.12; RFC 4480 section 3.14
 */
export function userInputForms(element: string): UserInputForms {
  const match = /^<[^\s/>]+((?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*>\s*(active|idle)\s*<\/[^<]*$/.exec(element)
  if (!match) return NOTHING
  const [, attributes = '', word] = match
  const threshold = /\sidle-threshold\s*=\s*["']\s*(\d{1,9})\s*["']/.exec(attributes)?.[1]
  const start = `<user-input xmlns="${RPID}"`
  const end = `>${word}</user-input>`
  return { bare: start + end, thresholds: start + (threshold ? ` idle-threshold="${threshold}"` : '') + end }
}

/** The element as it may be seen. */
export function userInputAt(level: UserInputProvision, full: string, forms: UserInputForms): string {
  switch (level) {
    case 'full':
      return full
    case 'thresholds':
      return forms.thresholds
    case 'bare':
      // guard: policy-user-input-bare — bare says nothing of when
      return forms.bare
    case 'false':
      return ''
  }
}
