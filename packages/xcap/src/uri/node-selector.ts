import { attributeValue, isAttributeValue } from '../attribute-value.ts'
import { XcapUriError } from '../errors.ts'

/** Most steps of a selector: a document is not deeper. */
const STEPS_MAX = 64
const NAME = '[A-Za-z_][A-Za-z0-9_.-]*'
const QUALIFIED_NAME = new RegExp(`^(?:(${NAME}):)?(${NAME})$`)

/** A name as the selector has it. */
export interface SelectedName {
  /** Bound by the query; empty for none. */
  readonly prefix: string
  readonly name: string
}

/** One step down (RFC 4825 section 6.3). */
export interface Step {
  /** Absent for `*`: any element. */
  readonly name: SelectedName | undefined
  /** `[n]`: which of those that the name fits, from 1. */
  readonly position: number | undefined
  /** `[@name="value"]`. */
  readonly attribute: { readonly name: SelectedName; readonly value: string } | undefined
  /** As it stands in the selector, decoded. */
  readonly text: string
}

/** A part of a document: an element, an attribute of one, or the namespaces in its scope. */
export type NodeSelector =
  | { readonly kind: 'element'; readonly steps: readonly Step[] }
  | { readonly kind: 'attribute'; readonly steps: readonly Step[]; readonly attribute: SelectedName }
  | { readonly kind: 'namespaces'; readonly steps: readonly Step[] }

/**
 * Reads a node selector, already percent-decoded.
 *
 * @throws XcapUriError
 * @see RFC 4825 section 6.3
 */
export function parseNodeSelector(text: string): NodeSelector {
  const parts = splitSteps(text)
  const last = parts.at(-1) ?? ''
  if (last === 'namespace::*') return { kind: 'namespaces', steps: stepsOf(parts.slice(0, -1)) }
  if (last.startsWith('@')) {
    return { kind: 'attribute', steps: stepsOf(parts.slice(0, -1)), attribute: selectedName(last.slice(1)) }
  }
  return { kind: 'element', steps: stepsOf(parts) }
}

function stepsOf(parts: readonly string[]): Step[] {
  if (parts.length === 0) throw malformed('no step')
  if (parts.length > STEPS_MAX) throw malformed('too many steps')
  return parts.map(parseStep)
}

/** A slash in a quoted value separates nothing. */
function splitSteps(text: string): string[] {
  const parts: string[] = []
  let quote = ''
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '/') {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  if (quote !== '') throw malformed('a value without end')
  parts.push(text.slice(start))
  return parts
}

function parseStep(text: string): Step {
  const bracket = text.indexOf('[')
  const nameText = bracket < 0 ? text : text.slice(0, bracket)
  const name = nameText === '*' ? undefined : selectedName(nameText)
  let rest = bracket < 0 ? '' : text.slice(bracket)
  const position = /^\[(\d{1,9})\]/.exec(rest)
  if (position) rest = rest.slice(position[0].length)
  return {
    name,
    position: position ? Number(position[1]) : undefined,
    attribute: rest === '' ? undefined : parseAttributeTest(rest),
    text,
  }
}

function parseAttributeTest(text: string): NonNullable<Step['attribute']> {
  const test = /^\[@([^=\s[\]]+)=(["'])(.*)\2\]$/s.exec(text)
  const [, name = '', quote = '', value = ''] = test ?? []
  if (!test || value.includes(quote) || !isAttributeValue(value)) throw unknown('a predicate')
  return { name: selectedName(name), value: attributeValue(value) }
}

function selectedName(text: string): SelectedName {
  const [, prefix = '', name] = QUALIFIED_NAME.exec(text) ?? []
  if (name === undefined) throw unknown('a step')
  return { prefix, name }
}

/** What XCAP itself does not have may be an extension, of which there are none here (RFC 4825 section 8). */
function unknown(what: string): XcapUriError {
  return new XcapUriError('XCAP_URI_NOT_FOUND', `node selector: ${what} that XCAP does not have`)
}

function malformed(detail: string): XcapUriError {
  return new XcapUriError('XCAP_URI_MALFORMED', `node selector: ${detail}`)
}
